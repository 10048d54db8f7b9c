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
# # Which datum to verify first (先查清哪个数)
#
# Some forty constants stand behind every figure, and nobody can check them all. Two questions are
# easily mixed up: which constant moves the *answer* most, and which one would move the *money* if
# it were known. Only the second is worth a survey.
#
# 1. what moves the index, with the money decided anew in every draw (Morris);
# 2. what it would be worth to know a number before the money is spent (EVPI, EVPPI).

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

pd.set_option("display.float_format", "{:,.4g}".format)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())
base = allot.load(scenarios / "base-2020.yaml")
within = "20%"
assumed = allot.assumptions(base).frame.set_index("path")
titles = assumed["title_en"] + " " + assumed["title_zh"]
len(assumed[assumed["drawn"]])

# %% [markdown]
# ## 1. What moves the index
#
# Four walks through the ranges, one number changed at a time; each point is a relaxation
# (按比例估算) under its own rates and rules.

# %%
moved = allot.screen(base, method="morris", base=4, within=within)
index = moved.frame[moved.frame["answer"] == "index"].set_index("path")
index.assign(title=titles)[["title", "effect", "sure"]].head(8)

# %% [markdown]
# The levels of the metrics come first: if every job costs twice as much there are half as many.
# But a level is the same for every county and task, so it hardly tells where the money should go.
#
# ## 2. What knowing it is worth

# %%
known = allot.information(base, within=within)
worth = known.frame.set_index("path").assign(title=titles)
worth[["title", "points", "jobs", "firms", "trainees"]].head(8)

# %%
pd.Series({"all rates: index points": known.points, **known.outcomes})

# %% [markdown]
# ## What a planner can say

# %%
first, level = worth.iloc[0], index.index[0]
Markdown(
    f"With every constant up to 20 % off, knowing all rates would raise the index by "
    f"{100 * known.points:.2f} points of a hundred, and bring {known.outcomes['jobs']:,.0f} more "
    f"jobs on average: that bounds what any survey can be worth. The datum to verify first is "
    f"**{first['title']}**: alone it is worth {100 * first['points'] / known.points:.0f} % of that. "
    f"What moves the index most, {titles[level]}, is worth only "
    f"{100 * worth.loc[level, 'points'] / known.points:.0f} %: it changes the count, and hardly the "
    "money. 先查能改变资金去向的数，不是影响总数最大的数。"
)
