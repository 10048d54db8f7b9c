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
# # Bring your own fund (用自己的专项资金)
#
# Nothing about Sichuan stands in the code. A fund is a folder of small tables: places, tasks, what
# is counted, and what money yields. This notebook starts from the example that `allot new` writes,
# puts other tables in, and goes the whole way: load, read the rules, solve, vary, check.
#
# **All numbers are made up.** Whoever brings a fund brings its numbers, each with its source in
# `sources.yaml`.

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

allot.charts.use_svg()
pd.set_option("display.max_colwidth", 90)
temporary = tempfile.TemporaryDirectory()
fund = Path(temporary.name) / "my-fund"

# %% [markdown]
# ## 1. A folder to start from
#
# On the command line this is `allot new my-fund`.

# %%
allot.write_starter(fund)
print(*sorted(path.relative_to(fund).as_posix() for path in fund.rglob("*.*")), sep="\n")

# %% [markdown]
# ## 2. Your own places and what money yields there
#
# Every column but the first can be used in rules. What money yields comes in tiers (效益分段): so
# much money at this rate, then so much at a lower one. Rates never rise, which is what keeps the
# search exact.

# %%
places = pd.DataFrame(
    {
        "code": ["01", "02", "03", "04", "05", "06"],
        "name_zh": ["上坪镇", "石岭镇", "河口镇", "集市镇", "湖滨镇", "松林镇"],
        "name_en": ["Upper Flat", "Stone Ridge", "River Mouth", "Market Town", "Lakeside", "Pines"],
        "region": ["hills", "hills", "valley", "valley", "lake", "hills"],
        "remote": [1, 1, 0, 0, 0, 1],
        "residents": [4000, 2500, 9000, 12000, 6500, 1800],
    }
)
places.to_csv(fund / "programme" / "counties.csv", index=False)

yields = {"workshops": (0.25, 0.04), "roads": (0.15, 0.0), "courses": (0.05, 1.0)}
rows = [
    {
        "county": place.code,
        "task": task,
        "tier": tier,
        "width": 20 + place.residents // 200,
        "jobs": round(jobs * fall * (0.9 if place.remote else 1.0), 4),
        "trainees": round(trainees * fall, 4),
    }
    for place in places.itertuples()
    for task, (jobs, trainees) in yields.items()
    for tier, fall in enumerate((1.0, 0.6, 0.25), start=1)
]
tiers = pd.DataFrame(rows)
tiers.to_csv(fund / "programme" / "tiers.csv", index=False)
tiers.head(6)

# %% [markdown]
# ## 3. Read it, and what a mistake looks like
#
# Everything is checked before anything is solved, and all mistakes are told at once, each with its
# file and path.

# %%
mine = allot.load(fund / "scenario.yaml")
allot.frames.rules_frame(mine)[["rule", "sentence", "basis", "in_force"]]

# %%
try:
    mine.replace(rules={"town-flor": {"at_least": 50}})
except allot.InputError as error:
    print(error)

# %% [markdown]
# ## 4. A rule of your own
#
# A rule is a measure, a bound and a reason. This one keeps roads out of reach of more than half
# the hills' money.

# %%
mine = mine.replace(
    rules={
        "roads-in-the-hills": {
            "title": {"zh": "山区修路占比上限", "en": "Roads in the hills"},
            "basis": "assumption",
            "reason": {"zh": "示例：山区修路另有资金", "en": "Example: roads have other money"},
            "measure": "amount",
            "where": {"region": "hills", "task": "roads"},
            "at_most": {"share": "0.5", "of": "amount", "where": {"region": "hills"}},
        }
    }
)
allot.frames.rules_frame(mine).query("rule == 'roads-in-the-hills'")["sentence"].item()

# %%
found = allot.solve(mine)
found

# %%
found.table.assign(total=found.table.sum(axis=1))

# %% [markdown]
# ## 5. What is more money worth?

# %%
budget = allot.sweep(mine, "budget", low=800, high=1600)
worth = budget.dropna(subset="worth")
allot.charts.lines(worth, "budget", {"budget": "budget", "worth": "index", "trainees": "trainees"})

# %% [markdown]
# ## 6. A table that somebody else made

# %%
edited = found.amounts.query("amount > 0").copy()
largest = edited["amount"].idxmax()
edited.loc[largest, "amount"] += 60
edited.to_csv(fund / "edited.csv", index=False)
read = allot.audit(mine, allot.read_allocation(fund / "edited.csv", mine.programme))
broken = allot.frames.findings_frame(read).query("state == 'broken'").drop(columns="binding")
broken

# %% [markdown]
# ## What to take away

# %%
temporary.cleanup()
priced = worth[worth["budget"] <= mine.budget].iloc[-1]
Markdown(
    f"""
- A fund is {len(places)} rows of places, {len(tiers)} rows of tiers and {len(mine.rules)} rules in
  force; no line of code knows its name.
- Its table is **{found.status}**: {float(found.audit.outcomes["jobs"]):,.1f} jobs and
  {float(found.audit.outcomes["trainees"]):,.1f} trainees for {int(found.allocation.spent):,}, with
  {len(found.audit.broken)} limits broken.
- One more unit of money adds {priced["price"]:.5f} to the index; 60 more in one cell broke
  {", ".join(f"`{rule}`" for rule in broken["rule"].unique())}.
"""
)
