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
# # What a tilt to the 45 deep-poverty counties costs (深度贫困县倾斜的代价)
#
# The plan asks for a tilt and gives no number. The base scenario takes 27 %, the share of 2019.
# What would 15 %, or 34 %, or 50 % cost in jobs, firms and trainees, and from where on can the
# other rules no longer be kept?
#
# 1. the whole range by relaxations (连续松弛): quick, and bounds;
# 2. four points solved in whole 万元;
# 3. the step from 27 % to 34 %, and who pays for it;
# 4. the same by the other calibration (口径), because the price depends on it.

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
share = "rules.deep-poverty-share.at_least.share"
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {
    name: f"{metric.title.en} {metric.title.zh}（{metric.unit.zh}）"
    for name, metric in metrics.items()
}

# %% [markdown]
# ## 1. From 15 to 50 %, by relaxations
#
# A relaxation may fund a cell in part, so it never does worse than a real table: its figures are
# bounds, and where it has no solution, no table has one.

# %%
relaxed = allot.grid(base, {share: "0.15:0.50:0.01"}, relax=True)
relaxed["tilt, %"] = 100 * relaxed[share]
possible = relaxed[relaxed["status"] == "optimal"]
columns = {"tilt, %": "least share of the 45 counties 占比下限, %", **titles}
allot.charts.lines(possible, "tilt, %", columns)

# %%
furthest = relaxed.loc[relaxed["status"] == "infeasible", "tilt, %"].min()
free = possible.loc[possible["worth"] >= possible["worth"].max() - 1e-9, "tilt, %"].max()
Markdown(
    f"Up to {free:.0f} % the limit changes nothing: the rules per resident for the Yi and Tibetan "
    f"areas (大小凉山彝区、高原藏区) already force as much. From {furthest:.0f} % on no table can "
    f"keep all other rules, so 50 % is not to be had at any price unless another rule gives way."
)

# %% [markdown]
# ## 2. Four points in whole 万元
#
# Each of these is a table that could be handed in, proven to be within 0.1 % of the best for its
# tilt. `moved` is the money that stands in another cell than in the base scenario's table.

# %%
points = allot.grid(base, {share: "0.20,0.27,0.30,0.34"}, gap=1e-3)
points[[share, "status", "worth", *titles, "moved", "gap"]]

# %% [markdown]
# ## 3. From 27 to 34 %
#
# `compare` (on the command line `allot compare`) puts two scenarios side by side and says of each
# difference whether the gaps of the two solves could explain it (`mark`).

# %%
stronger = base.replace(rules={"deep-poverty-share": {"at_least": {"share": "0.34"}}})
pair = allot.compare([base, stronger], gap=1e-3)
pair.inputs[["path", "reference", "value"]]

# %%
step = pair.outcomes[pair.outcomes["column"] != pair.reference.name].set_index("metric")
cost = step[["reference", "outcome", "difference", "mark"]].rename(
    columns={"reference": "27 %", "outcome": "34 %", "difference": "change"}
)
(moved_by,) = pair.moved.attrs["moved"].values()
solved = points[points["status"].isin(["optimal", "feasible"])].set_index(share)
print(f"{moved_by:,.0f} 万元 stand elsewhere")
cost.rename(index=titles)

# %%
before = solved.loc[0.27]
per_point = {name: round(cost.loc[name, "change"] / 7, 1) + 0.0 for name in titles}
floors = [
    titles[name]
    for name, metric in metrics.items()
    if metric.target is not None and before[name] < float(metric.target) * 1.001
]
Markdown(
    f"Each point of tilt changes on average: "
    f"{', '.join(f'{titles[name]} {change:+,.1f}' for name, change in per_point.items())}. "
    f"{' and '.join(floors)} stand at their targets, which are rules, and cannot fall; what the "
    f"tilt costs shows in what has room."
)

# %% [markdown]
# ## 4. By the other calibration
#
# 本口径按目标反推，达标不构成预测或证明: the plan's calibration makes targets just reachable, so
# every metric but one stands at its floor. By the record of 2018-19 (按实绩) none does.

# %%
by_record = base.replace(calibration="record-2018-19")
record = allot.grid(by_record, {share: "0.27,0.34"}, gap=1e-3).set_index(share)
both = pd.concat(
    {
        "by the plan's norm 按目标反推": solved.loc[[0.27, 0.34], list(titles)].T,
        "by the record 按实绩": record.loc[[0.27, 0.34], list(titles)].T,
    },
    axis=1,
).rename(index=titles)
both

# %%
change = {
    name: (
        round(100 * (solved.loc[0.34, name] / solved.loc[0.27, name] - 1), 1) + 0.0,
        round(100 * (record.loc[0.34, name] / record.loc[0.27, name] - 1), 1) + 0.0,
    )
    for name in titles
}
said = "; ".join(
    f"{titles[name]} {norm:+.1f} % or {rec:+.1f} %" for name, (norm, rec) in change.items()
)

# %% [markdown]
# ## What to take away

# %%
Markdown(
    f"""
- **A limit of up to {free:.0f} % costs nothing**, and one of {furthest:.0f} % or more is
  impossible under the other rules.
- **From 27 to 34 %** all counties together have {cost.loc["jobs", "change"]:+,.0f} jobs,
  {cost.loc["firms", "change"]:+,.0f} firms, {cost.loc["trainees", "change"]:+,.0f} trainees, and
  {moved_by:,.0f} 万元 stand elsewhere.
- **The calibration decides the price.** By the plan's norm, or by the record: {said}. Quote both
  or none; 达标不构成预测或证明.
"""
)
