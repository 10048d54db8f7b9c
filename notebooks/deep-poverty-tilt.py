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
# What would 30 %, or 34 %, or 50 % cost in jobs, firms and trainees, and who pays?
#
# 1. where the number begins to bite: the whole range by relaxations (按比例估算), quick, and bounds;
# 2. the same by the cautious calibration (口径), the one fitted to the targets;
# 3. three points solved in whole 万元;
# 4. the step to 34 %, the amount of 2019: what it costs, and whose money it is.

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
share = "rules.deep-poverty-share.at_least.share"
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {
    name: f"{metric.title.en} {metric.title.zh}（{metric.unit.zh}）"
    for name, metric in metrics.items()
}


def by_percent(frame):
    """The points of a grid with the tilt in per cent."""
    return frame.assign(tilt=(100 * frame[share]).round(6))


def told(changes, digits=0):
    """Changes of the metrics in words."""
    return ", ".join(f"{titles[name]} {change:+,.{digits}f}" for name, change in changes.items())


# %% [markdown]
# ## 1. Where it begins to bite
#
# A relaxation may fund a cell in part, so it never does worse than a real table: its figures are
# bounds, and where it has no solution, no table has one.

# %%
relaxed = by_percent(allot.grid(base, {share: "0.24:0.50:0.01"}, relax=True))
possible = relaxed[relaxed["status"] == "optimal"].set_index("tilt")
columns = {"tilt": "least share of the 45 counties 占比下限, %", **titles}
allot.charts.lines(possible.reset_index(), "tilt", columns)

# %%
free = possible.index[possible["worth"] >= possible["worth"].max() - 1e-9].max()
lost = 100 * -possible["worth"].diff() / possible["worth"].max()
lost = lost[lost.index > free + 1].rename("points of tilt: index lost by the last one, %")
lost.iloc[[0, 4, 9, 14, -1]].to_frame()

# %%
Markdown(
    f"Up to {free:.0f} % the limit changes nothing: the bands of the counties and the rules per "
    f"resident for the Yi and Tibetan areas (大小凉山彝区、高原藏区) already give as much. After "
    f"that the first points cost {lost.iloc[0]:.1f} % of the index each, the last ones "
    f"{lost.iloc[-1]:.1f} %: the best places of the 45 counties are full first."
)

# %% [markdown]
# ## 2. The cautious reading
#
# By the base's calibration, to the record of 2018-19 (按实绩), the targets are far away. By the
# other, `plan-norm`, they are just within reach (本口径按目标反推，达标不构成预测或证明), and a tilt
# runs into them.

# %%
cautious = by_percent(
    allot.grid(base.replace(calibration="plan-norm"), {share: "0.24:0.40:0.01"}, relax=True)
).set_index("tilt")
end = cautious.index[cautious["status"] == "infeasible"].min()
reached = cautious[cautious["status"] == "optimal"]
both = {"by the record 按实绩": possible, "by the targets 按目标反推": reached}
pd.concat({name: frame[list(titles)] for name, frame in both.items()}, axis=1).loc[[28, 30, 33]].T

# %%
Markdown(
    f"Read by the targets, {end:.0f} % or more is impossible while the other rules hold: no table "
    f"reaches the targets and the tilt together. Read by the record all of {possible.index.max():.0f} "
    f"% is possible. Which of the two is true nobody has measured."
)

# %% [markdown]
# ## 3. Three points in whole 万元
#
# Each of these is a table that could be handed in, within 0.1 % of the best for its tilt. `moved`
# is the money that stands in another cell than in the base scenario's table.

# %%
points = by_percent(allot.grid(base, {share: "0.27,0.30,0.34"}, gap=1e-3)).set_index("tilt")
points[["status", "worth", *titles, "moved", "gap"]]

# %% [markdown]
# ## 4. To 34 %, and who pays
#
# 34 % is the amount of 2019 out of this year's smaller fund. `compare` (on the command line
# `allot compare`) puts the two side by side and says of each difference whether the gaps of the
# two solves could explain it (`mark`).

# %%
stronger = base.replace(rules={"deep-poverty-share": {"at_least": {"share": "0.34"}}})
pair = allot.compare([base, stronger], gap=1e-3)
after = pair.outcomes[pair.outcomes["column"] != pair.reference.name].set_index("metric")
cost = after[["reference", "outcome", "difference", "mark"]]
cost.rename(index=titles, columns={"reference": "27 %", "outcome": "34 %", "difference": "change"})

# %%
counties = allot.frames.table_frame(base.programme.counties).set_index("county")
level = pair.amounts.query("level == 'county' and column == @pair.columns[1].name")
money = level.rename(columns={"place": "county"}).set_index("county")
money = money[["reference", "amount", "difference"]].astype(float).join(counties)
words = allot.read_labels(base.programme)
areas = {area: words.value("area", area, "zh") for area in counties["area"].unique()}
who = money.groupby(money["area"].map(areas), sort=False)[["reference", "amount", "difference"]]
who.sum()

# %%
payers = money.sort_values("difference").head(8).set_index("name_zh")
payers = payers[["reference", "amount", "difference"]]
payers["change, %"] = 100 * payers["difference"] / payers["reference"]
payers

# %%
deep = money[money["deep_poverty"]]
held, given = deep["reference"].sum() / float(base.budget), deep["difference"].sum()
points_given = 100 * given / float(base.budget)
per_point = {name: cost.loc[name, "difference"] / points_given for name in titles}
(moved_by,) = pair.moved.attrs["moved"].values()
losers = money[money["difference"] < 0]
first = payers.iloc[0]
Markdown(
    f"The base already gives the 45 counties {held:.1%}, so the step is {points_given:.1f} points, "
    f"{given:,.0f} 万元. {len(losers)} counties give, the most {payers.index[0]} "
    f"({first['difference']:+,.0f} 万元, {first['change, %']:+.0f} %); {moved_by:,.0f} 万元 stand "
    f"elsewhere. Each point changes on average: {told(per_point, 1)}."
)

# %% [markdown]
# ## What to take away

# %%
Markdown(
    f"""
- **A limit up to {free:.0f} % costs nothing**; the bands and the rules per resident give as much.
- **From there to 34 %**, the amount of 2019, {given:,.0f} 万元 go to the 45 counties. A point
  changes {told(per_point, 1)}; by the relaxations each further point costs more than the one before.
- **Who pays**: {len(losers)} counties, {", ".join(payers.index[:5])} the most; none falls under its
  band (60, 80 or 100 % of the factor method).
- **The calibration decides what is possible.** By the targets {end:.0f} % or more is impossible, by
  the record {possible.index.max():.0f} % is not. Say which is meant; 达标不构成预测或证明.
"""
)
