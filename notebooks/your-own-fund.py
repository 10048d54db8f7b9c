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
# Nothing about Sichuan stands in the code. A fund is a few small tables: places, tasks, what is
# counted, and what money yields. The first half makes one from data frames, without a file, and
# goes the whole way: rules, solve, vary, check. The second half keeps the same fund as a folder,
# which is what a decision that others are to check should stand on.
#
# **All numbers are made up.** Whoever brings a fund brings its numbers, each with its source.

# %%
import tempfile
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

allot.charts.use_svg()
pd.set_option("display.max_colwidth", 90)

# %% [markdown]
# ## 1. Places, tasks, and what money yields
#
# Every column of the places and the tasks can be used in rules. What money yields comes in tiers
# (效益分档): so much money at this rate, then so much at a lower one. Rates never rise, which is
# what keeps the search exact.

# %%
places = pd.DataFrame(
    {
        "code": ["01", "02", "03", "04", "05", "06"],
        "name_zh": ["上坪镇", "石岭镇", "河口镇", "集市镇", "湖滨镇", "松林镇"],
        "name_en": ["Upper Flat", "Stone Ridge", "River Mouth", "Market Town", "Lakeside", "Pines"],
        "region": ["hills", "hills", "valley", "valley", "lake", "hills"],
        "remote": [True, True, False, False, False, True],
        "residents": [4000, 2500, 9000, 12000, 6500, 1800],
    }
)
tasks = {
    "workshops": {"title_zh": "建设村镇作坊", "title_en": "Village workshops", "share_max": 0.6},
    "roads": {"title_zh": "整修道路", "title_en": "Roads", "share_max": 0.4},
    "courses": {"title_zh": "技能培训", "title_en": "Courses", "share_max": 0.3},
}

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
tiers.head(6)

# %%
money, metrics = {"zh": "千元", "en": "thousand"}, ["jobs", "trainees"]
fund = allot.Programme.from_frames(places, tasks, tiers, money=money, metrics=metrics)
fund

# %% [markdown]
# Mistakes are told all at once, each with its frame, row and column.

# %%
wrong = places.assign(residents=[4000, 2500, "9k", 12000, "many", 1800])
try:
    allot.Programme.from_frames(wrong, tasks, tiers, money=money, metrics=metrics)
except allot.InputError as error:
    print(error)

# %% [markdown]
# ## 2. Rules of your own
#
# A rule is a measure, a bound and a reason. Numbers may stand in a column, be a share of something,
# or count funded cells.


# %%
def rule(id, en, zh, **asks):
    """A rule without a clause: an assumption, and said to be one."""
    because = {"zh": "示例", "en": "An example"}
    return {"id": id, "title": {"zh": zh, "en": en}, "basis": "assumption", "reason": because} | asks


town = {"measure": "amount", "per": ["county"]}
remote = {"measure": "amount", "where": {"remote": True}}
hills = {"region": "hills"}
roads = {"measure": "amount", "where": {**hills, "task": "roads"}}
task = {"measure": "amount", "per": ["task"]}
cells = {"measure": "cells", "per": ["county"]}
two_fifths = {"share": 0.4, "of": "amount"}
half = {"share": 0.5, "of": "amount", "where": hills}
own_share = {"share": {"column": "share_max"}, "of": "budget"}
rules = [
    rule("town-floor", "Least amount for a town", "各镇安排数下限", **town, at_least=100),
    rule("remote-share", "Share of the remote towns", "偏远镇占比", **remote, at_least=two_fifths),
    rule("task-share", "Largest share of a task", "各项工作占比", **task, at_most=own_share),
    rule("tasks-per-town", "Tasks per town", "每镇工作项数", **cells, at_most=2),
    rule("hill-roads", "Roads in the hills", "山区修路占比", **roads, at_most=half),
]
mine = allot.Scenario.of(fund, budget=1000, lot=10, rules=rules)
allot.frames.rules_frame(mine)[["rule", "sentence", "basis", "in_force"]]

# %% [markdown]
# ## 3. Solve it

# %%
found = allot.solve(mine)
found

# %%
found.table.assign(total=found.table.sum(axis=1))

# %% [markdown]
# ## 4. What is more money worth, and why does a town get what it gets?

# %%
budget = allot.sweep(mine, "budget", low=800, high=1600)
worth = budget.dropna(subset="worth")
titles = {"budget": "budget", "worth": "index", "trainees": "trainees"}
allot.charts.lines(worth, "budget", titles)

# %%
allot.prices(mine).frame.query("price != 0")[["rule", "key", "bound", "price", "jobs", "trainees"]]

# %% [markdown]
# ## 5. A table that somebody else made
#
# Counties and tasks go by their names or codes, in whatever order. No solver takes part.

# %%
edited = found.table.copy()
name, work = edited.stack().idxmax()
edited.loc[name, work] += 60
read = allot.audit(mine, allot.Allocation.from_frame(edited, fund))
broken = allot.frames.findings_frame(read).query("state == 'broken'").drop(columns="binding")
print(f"60 more for {name}, {work}")
broken

# %% [markdown]
# ## 6. The same as a folder
#
# A decision wants files: `allot new my-fund` on the command line writes a commented example to
# start from. Put your own tables in; sources go into `sources.yaml`, one for each number.

# %%
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name) / "my-fund"
allot.write_starter(folder)
print(*sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")), sep="\n")

# %%
places.astype({"remote": int}).to_csv(folder / "programme" / "counties.csv", index=False)
tiers.to_csv(folder / "programme" / "tiers.csv", index=False)
from_folder = allot.load(folder / "scenario.yaml")
allot.frames.rules_frame(from_folder)[["rule", "sentence", "basis", "in_force"]]

# %% [markdown]
# The files of the example have rules of their own, so the answer is another. It is kept as a
# record: everything needed to check it, with a page and a workbook for people.

# %%
try:
    from_folder.replace(rules={"town-flor": {"at_least": 50}})
except allot.InputError as error:
    print(error)

# %%
record = Path(temporary.name) / "record"
allot.write_record(allot.solve(from_folder), record, reason="an example")
kept, checked = allot.read_record(record), allot.verify(record)
print(f"replays without a solver: {checked.good}")
kept

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
