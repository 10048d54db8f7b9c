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
# # Which assumptions decide (哪些假定起决定作用)
#
# Nobody has measured how many jobs 10,000 yuan bring in a county. The response curves are
# assumptions, and so are many limits. They cannot all be discussed in one meeting. Which of them
# change the table, and which could be anything?
#
# 1. every assumption moved down and up, ranked (a tornado): by the index, and by the money moved;
# 2. the same by the cautious calibration (口径), fitted to the targets;
# 3. the limits that decide most, solved again in whole 万元;
# 4. what more or less money would be worth: the value of the budget, exactly, and the shadow
#    price (限值变动影响) of the next 万元.

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

allot.charts.use_svg()
pd.set_option("display.float_format", "{:,.4g}".format)
pd.set_option("display.max_colwidth", 80)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())
base = allot.load(scenarios / "base-2020.yaml")
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}

# %% [markdown]
# ## 1. Every assumption, down and up
#
# Each number is moved to the ends of its range: the one stated with its rule or source, or ten
# percent each way where none is stated, which is itself an assumption. Effects are differences
# from the unchanged scenario, of relaxations (按比例估算).

# %%
moved = allot.tornado(base, relax=True)
for note in moved.attrs["notes"]:
    print("-", note)
print(f"{moved['path'].nunique()} assumptions")

# %%
allot.charts.bars_down_and_up(moved, "worth", "change of the index 综合指数的增减")

# %%
def swings(frame, by="worth"):
    """The largest effect of each assumption, the greatest first."""
    most = frame.groupby("path")[by].agg(lambda effects: effects.abs().max()).dropna()
    return most.sort_values(ascending=False)


swing = swings(moved)
idle = swing[swing < 1e-4]
half = (swing.cumsum() < swing.sum() / 2).sum() + 1
Markdown(
    f"Of {len(swing)} assumptions {half} make half of all the movement; {len(idle)} change the "
    f"index by less than 0.0001 and need no discussion."
)

# %% [markdown]
# The index here is by the yardstick of the unchanged scenario. What decides who gets what is
# another list:

# %%
by_money = swings(moved, "moved")
pd.concat({"index": swing, "money moved 万元": by_money}, axis=1).nlargest(8, "money moved 万元")

# %%
levels = [path for path in swing.index if path.startswith("response.kappa.")]
trainee = "response.kappa.record-2018-19.trainees"
Markdown(
    f"The levels (`kappa`) move the index most, and {by_money[levels].max():,.0f} 万元 of the money. "
    f"Ten percent of what a trainee costs, 5,500 yuan, which is on no record, are "
    f"{swing[trainee]:.3f} of the index by this yardstick; but the factor method (因素法) has as many "
    f"trainees more or fewer, in proportion, so that nobody's money depends on it."
)

# %% [markdown]
# The bands of the counties are assumptions too: 100, 80 and 60 % of the factor method (因素法) at
# the least, 160 % at the most.

# %%
bands = ["hold-unlifted", "hold-deep-poverty", "hold-others", "rise-cap"]
of_bands = moved[moved["path"].str.split(".").str[1].isin(bands)]
of_bands[["path", "side", "now", "value", "worth", *titles, "moved"]]

# %% [markdown]
# ## 2. The cautious reading
#
# By `plan-norm`, fitted to the targets, these are just within reach. What then decides is whether
# they can be reached at all.

# %%
cautious = allot.tornado(base.replace(calibration="plan-norm"), relax=True)
impossible = cautious.loc[cautious["status"] == "infeasible", ["path", "side", "now", "value"]]
impossible

# %%
both = {"by the record 按实绩": swing, "by the targets 按目标反推": swings(cautious)}
pd.concat({name: pd.Series(most.index[:8]) for name, most in both.items()}, axis=1)

# %% [markdown]
# ## 3. The limits that decide most, in whole 万元
#
# A relaxation funds cells in part. So the first two limits are moved again with whole units,
# each solved to within 0.1 %.

# %%
limits = moved[moved["path"].str.startswith("rules.")]
first = limits.drop_duplicates("path").head(2)["path"]
exact = {}
for path in first:
    ends = limits.loc[limits["path"] == path, "value"]
    values = ",".join(f"{value:.10g}" if isinstance(value, float) else f"{value}" for value in ends)
    frame = allot.grid(base, {path: values}, gap=1e-3)
    before = frame.attrs["unchanged"]["worth"]
    exact[path] = dict(zip(["down", "up"], frame["worth"] - before, strict=True))
told = limits[limits["path"].isin(first)].pivot(index="path", columns="side", values="worth")
pd.concat({"relaxed": told, "whole units": pd.DataFrame(exact).T}, axis=1).loc[list(first)]

# %% [markdown]
# ## 4. The value of the budget
#
# The bands follow the factor method, and that the budget. With the bands held at what they are at
# this year's budget (`reference_budget`), the budget is a right-hand side (限值), so the value of
# the relaxation along it is made of straight pieces, and `sweep` finds every corner.

# %%
held = base.replace(reference_budget=base.budget)
budget = allot.sweep(held, "budget", low=32000, high=34000)
found = budget[budget["status"] == "optimal"]
columns = {"budget": "budget 预算（万元）", "worth": "index 综合指数"}
allot.charts.lines(found[["budget", "worth"]].iloc[::3], "budget", columns)

# %%
poorest, richest = found.iloc[0], found.iloc[-1]
at = found[found["budget"] <= base.budget].iloc[-1]
Markdown(
    f"{len(found)} corners from {poorest['budget']:,.0f} to {richest['budget']:,.0f} 万元, the price "
    f"falling from {poorest['price']:.6f} to {found.iloc[-2]['price']:.6f} a 万元. At {float(base.budget):,.0f} 万元 one more 万元 adds {at['price']:.6f} to the index."
)

# %% [markdown]
# Between two corners the outcomes change evenly too, so the price can be said in people.

# %%
after = found[found["budget"] > base.budget].iloc[0]
step = {name: (after[name] - at[name]) / (after["budget"] - at["budget"]) for name in titles}
per_100 = {titles[name]: round(100 * change, 1) + 0.0 for name, change in step.items()}
pd.Series(per_100, name="for 100 万元 more")

# %% [markdown]
# ## What to take away

# %%
limit, other = first
band = "rules.hold-deep-poverty.at_least.share"
Markdown(
    f"""
- **Discuss these first**, for who gets what:
  {", ".join(f"`{path}`" for path in by_money.index[:4])}.
- **The levels** ({", ".join(f"`{path}`" for path in levels)}) decide how many people are counted, and
  move {by_money[levels].max():,.0f} 万元 at the most.
- **Of the limits** `{limit}` and `{other}` decide most: ten percent less change the index by
  {exact[limit]["down"]:+.4f} and {exact[other]["down"]:+.4f}, ten percent more by
  {exact[limit]["up"]:+.4f} and {exact[other]["up"]:+.4f}, in whole 万元. Of the bands
  it is `{band}`: ten percent are worth {swing[band]:.4f}, relaxed.
- **{len(idle)} of {len(swing)}** assumptions decide nothing within their ranges.
- **By the targets** (plan-norm) no table keeps all rules at the ends of
  {impossible["path"].nunique()} assumptions: {", ".join(f"`{p}`" for p in impossible["path"].unique())}.
  By the record that is so at {(moved["status"] == "infeasible").sum()} ends.
- **Money**: at {float(base.budget):,.0f} 万元 the next 100 万元 bring
  {", ".join(f"{name} {change:+,.1f}" for name, change in per_100.items())} (relaxed, 按实绩).
"""
)
