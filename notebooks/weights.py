# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Jobs, firms, trainees: what the weights decide (权重与三项绩效指标的取舍)
#
# The objective adds up three metrics, each as a ratio to the baseline's (因素法基准), with equal
# weights. Who prefers jobs will ask for another weight. How far does that take us, what does each
# job cost in trainees, and can all three be as high as by the factor method?
#
# 1. all combinations of weights by the record of 2018-19 (按实绩);
# 2. the same by the cautious calibration, fitted to the targets (按目标反推);
# 3. three tables in whole 万元, beside the factor method.
#
# The first two are relaxations (按比例估算): bounds that a real table comes within about half a
# percent of.

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

allot.charts.use_svg()
pd.set_option("display.float_format", "{:,.5g}".format)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())
base = allot.load(scenarios / "base-2020.yaml")
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}
weights = [f"objective.weights.{name}" for name in metrics]
vary = {path: "1,2,4,8" for path in weights}


def corners(frame):
    """One row for each different outcome, with the weights that lead there."""
    told = frame[weights].astype(str).agg(":".join, axis=1)
    shown = frame.assign(label=told)[["label", *titles, "moved"]].round(1)
    return shown.groupby([*titles, "moved"], sort=False)["label"].agg(list).reset_index()


def spans(frame):
    """From where to where the weights lead, in words."""
    ends = frame[list(titles)].agg(["min", "max"]).T
    return ", ".join(f"{name} {low:,.0f} to {high:,.0f}" for name, low, high in ends.itertuples())


# %% [markdown]
# ## 1. By the record (按实绩)
#
# Weights stand in the order jobs : firms : trainees. The targets leave room, and the weights decide.

# %%
record = corners(allot.grid(base, vary, relax=True))
record["label"] = record["label"].str[0]
best = {name: record.loc[record[name].idxmax()] for name in metrics}
even = record[record["label"] == "1:1:1"].iloc[0]
told = [even["label"], *(row["label"] for row in best.values())]
named = record["label"].where(record["label"].isin(told), "")
allot.charts.trade_off(record.assign(label=named), "jobs", "trainees", titles)

# %%
ends = pd.DataFrame({"1:1:1": even, **{f"most {name}": row for name, row in best.items()}})
ends.loc[["label", *titles, "moved"]].rename(index={**titles, "label": "weights"})

# %%
jobs_first, trainees_first = best["jobs"], best["trainees"]
price = (trainees_first["trainees"] - jobs_first["trainees"]) / (
    jobs_first["jobs"] - trainees_first["jobs"]
)
Markdown(
    f"{4 ** len(weights)} combinations of weights lead to {len(record)} different outcomes: "
    f"{spans(record)}. From the most trainees to the most jobs a job costs {price:.2f} trainees on "
    f"average, and firms go with the jobs."
)

# %% [markdown]
# ## 2. By the targets (按目标反推)
#
# Here the targets for jobs and firms are just within reach. They are rules, so that little is left
# to weigh. 本口径按目标反推，达标不构成预测或证明。

# %%
norm = corners(allot.grid(base.replace(calibration="plan-norm"), vary, relax=True))
norm.assign(weights=norm["label"].map(len))[[*titles, "moved", "weights"]].rename(columns=titles)

# %%
Markdown(
    f"The {4 ** len(weights)} combinations lead to {len(norm)} different outcomes, "
    f"{norm['label'].map(len).max()} of them to one and the same: {spans(norm)}."
)

# %% [markdown]
# ## 3. Three tables in whole 万元, beside the factor method
#
# Each solved to within 0.1 %. Then one rule more: no fewer jobs than by the factor method, which is
# shipped and switched off.

# %%
wanted = {
    "1:1:1": base,
    "10:1:1": allot.load(f"{scenarios / 'base-2020.yaml'}@jobs-first"),
    "1:1:1, no fewer jobs": base.replace(rules={"jobs-no-worse": {"enabled": True}}),
}
whole = {name: allot.solve(one, gap=1e-3, repaired=False) for name, one in wanted.items()}
factor = {name: float(v) for name, v in whole["1:1:1"].baseline.audit.outcomes.items()}
found = {
    name: {metric: float(v) for metric, v in one.audit.outcomes.items()}
    for name, one in whole.items()
}
table = pd.DataFrame({"factor method 因素法": factor, **found})
table.rename(index=titles)

# %%
ratios = table.div(table["factor method 因素法"], axis=0)
ratios.rename(index=titles).round(3)

# %% [markdown]
# ## What to take away

# %%
change = {name: found["1:1:1, no fewer jobs"][name] - found["1:1:1"][name] for name in titles}
Markdown(
    f"""
- **By the record weights decide**: {spans(record)} (relaxed); a job costs {price:.2f} trainees from
  end to end.
- **With equal weights** the gain is in trainees: {ratios.loc["trainees", "1:1:1"]:.2f} times the
  factor method's, jobs {ratios.loc["jobs", "1:1:1"]:.2f}, firms {ratios.loc["firms", "1:1:1"]:.2f}.
  To have no fewer jobs than by the factor method costs about
  {-change["firms"]:,.0f} firms and {-change["trainees"]:,.0f} trainees.
- **By the targets no combination brings more than {norm["jobs"].max():,.0f} jobs** or
  {norm["firms"].max():,.0f} firms (relaxed): to get another trade-off there, discuss the targets,
  not the weights.
- **Weights are nobody's finding.** They say what is preferred, so whoever signs should choose them.
"""
)
