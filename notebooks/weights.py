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
# weights. Who prefers jobs will ask for another weight. How far does that take us, and what does
# each job cost in trainees?
#
# Everything here is a relaxation (连续松弛): a bound that a real table comes within about half a
# percent of. The last section solves two corners in whole 万元.

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

allot.charts.use_svg()
pd.set_option("display.float_format", "{:,.4g}".format)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())
base = allot.load(f"{scenarios / 'base-2020.yaml'}@2020-first")
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}
weights = [f"objective.weights.{name}" for name in metrics]
vary = {path: "1,2,4,8" for path in weights}


def corners(frame):
    """One row for each different outcome, with the weights that lead there."""
    told = frame[weights].astype(str).agg(":".join, axis=1)
    shown = frame.assign(label=told)[["label", *titles, "moved"]].round(1)
    return shown.groupby([*titles, "moved"], sort=False)["label"].agg(list).reset_index()


# %% [markdown]
# ## By the plan's norm (按目标反推)
#
# Weights stand in the order jobs : firms : trainees.

# %%
norm = corners(allot.grid(base, vary, relax=True))
norm.assign(weights=norm["label"].map(len))[[*titles, "moved", "weights"]].rename(columns=titles)

# %%
Markdown(
    f"{4 ** len(weights)} combinations of weights lead to {len(norm)} different outcomes; "
    f"{norm['label'].map(len).max()} of them to one and the same. New firms stand at "
    f"{norm['firms'].min():,.0f} to {norm['firms'].max():,.0f} in all of them: the target is a "
    f"rule, and hard to meet by this calibration, so that little is left to weigh but jobs "
    f"against trainees. 本口径按目标反推，达标不构成预测或证明。"
)

# %% [markdown]
# ## By the record of 2018-19 (按实绩)
#
# Here the targets leave room, and the weights decide.

# %%
by_record = base.replace(calibration="record-2018-19")
record = corners(allot.grid(by_record, vary, relax=True))
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
    f"From the most trainees to the most jobs a job costs {price:.2f} trainees on average."
)

# %% [markdown]
# ## Two corners in whole 万元

# %%
whole = allot.grid(base, {weights[0]: "1,4"}, gap=1e-3)
whole[[weights[0], "status", "worth", *titles, "moved", "gap"]].rename(columns=titles)

# %% [markdown]
# ## What to take away

# %%
first, second = whole.iloc[0], whole.iloc[1]
Markdown(
    f"""
- **By the plan's norm weights move little**: {norm["label"].map(len).max()} of
  {4 ** len(weights)} combinations give the same outcomes, no combination brings more than
  {norm["jobs"].max():,.0f} jobs or {norm["firms"].max():,.0f} firms. Four times the weight on
  jobs, in whole 万元, brings
  {second["jobs"] - first["jobs"]:+,.0f} jobs for
  {second["trainees"] - first["trainees"]:+,.0f} trainees and moves {second["moved"]:,.0f} 万元.
  To get another trade-off, discuss the targets, not the weights.
- **By the record they do**: jobs from {record["jobs"].min():,.0f} to {record["jobs"].max():,.0f},
  firms from {record["firms"].min():,.0f} to {record["firms"].max():,.0f}, trainees from
  {record["trainees"].min():,.0f} to {record["trainees"].max():,.0f}; a job costs {price:.2f}
  trainees from end to end.
- **Weights are nobody's finding.** They say what is preferred, so whoever signs should choose them.
"""
)
