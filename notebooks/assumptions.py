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
# 1. every assumption moved down and up, ranked (a tornado);
# 2. the first ones solved again in whole 万元;
# 3. what more or less money would be worth: the value of the budget, exactly;
# 4. what the next 万元 is worth, the shadow price (影子价格).

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
base = allot.load(f"{scenarios / 'base-2020.yaml'}@2020-first")
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}

# %% [markdown]
# ## 1. Every assumption, down and up
#
# Each number is moved to the ends of its range: the one stated with its rule or source, or ten
# percent each way where none is stated, which is itself an assumption. Effects are differences
# from the unchanged scenario, of relaxations (连续松弛).

# %%
moved = allot.tornado(base, relax=True)
for note in moved.attrs["notes"]:
    print("-", note)
print(f"{moved['path'].nunique()} assumptions")

# %%
allot.charts.bars_down_and_up(moved, "worth", "change of the index 综合指数的增减")

# %%
impossible = moved.loc[moved["status"] == "infeasible", ["path", "side", "now", "value"]]
impossible

# %% [markdown]
# At these ends no table keeps all rules: the targets for jobs and firms are just met in the base,
# because the calibration was fitted to them.

# %%
swing = moved.groupby("path")["worth"].agg(lambda effects: effects.abs().max()).dropna()
swing = swing.sort_values(ascending=False)
idle = swing[swing < 1e-4]
half = (swing.cumsum() < swing.sum() / 2).sum() + 1
Markdown(
    f"Of {len(swing)} assumptions {half} make half of all the movement; {len(idle)} change the "
    f"index by less than 0.0001 and need no discussion."
)

# %% [markdown]
# ## 2. The first ones in whole 万元
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
# ## 3. The value of the budget
#
# The budget is a right-hand side (右端项), so the value of the relaxation along it is made of
# straight pieces, and `sweep` finds every corner rather than a grid.

# %%
budget = allot.sweep(base, "budget", low=32000, high=34000)
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
# ## 4. The next 100 万元, in people
#
# Between two corners the outcomes change evenly too, so the price can be said in people.

# %%
after = found[found["budget"] > base.budget].iloc[0]
step = {name: (after[name] - at[name]) / (after["budget"] - at["budget"]) for name in titles}
per_100 = {titles[name]: round(100 * change, 1) + 0.0 for name, change in step.items()}
pd.Series(per_100, name="for 100 万元 more")

# %% [markdown]
# ## What to take away

# %%
top = [path for path in swing.index[:5]]
Markdown(
    f"""
- **Discuss these first**: {", ".join(f"`{path}`" for path in top)}.
- **At the ends of {impossible["path"].nunique()} assumptions no table keeps all rules**:
  {", ".join(f"`{path}`" for path in impossible["path"].unique())}.
- **{len(idle)} of {len(swing)}** assumptions decide nothing within their ranges.
- **Money**: at {float(base.budget):,.0f} 万元 the next 100 万元 bring
  {", ".join(f"{name} {change:+,.1f}" for name, change in per_100.items())} (relaxed, 本口径按目标反推).
"""
)
