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
# # Jobs and trainees: what they can reach together (就业与培训的可达边界)
#
# Weights (notebook `weights`) give one table each, and some tables are the best by no weights. The
# front (前沿) has them all: tables of which none has more of one metric without less of the other.
# Whoever decides chooses a point, not a weight.
#
# 1. a small fund, where the front is complete;
# 2. the fund of 2020, by six points; without the limits of cells and tasks, so that it is quick.

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

# %% [markdown]
# ## 1. A small fund, complete
#
# Three towns, two tasks. Up to 200 cells every point is found in whole units, and the front says
# that none is missing.

# %%
places = pd.DataFrame({"code": ["hill", "lake", "vale"], "residents": [3000, 5000, 2000]})
places = places.assign(name_zh=["山镇", "湖镇", "谷镇"], name_en=["Hill", "Lake", "Vale"])
tasks = {
    "road": {"title_zh": "整修道路", "title_en": "Roads"},
    "school": {"title_zh": "技能培训", "title_en": "Courses"},
}
yields = {
    ("hill", "road"): (0.5, 0.1),
    ("hill", "school"): (0.1, 0.9),
    ("lake", "road"): (0.7, 0.2),
    ("lake", "school"): (0.2, 0.6),
    ("vale", "road"): (0.8, 0.1),
    ("vale", "school"): (0.3, 0.7),
}
tiers = pd.DataFrame(
    {"county": town, "task": task, "tier": tier, "width": 10}
    | {"jobs": round(jobs * fall, 2), "trainees": round(trainees * fall, 2)}
    for (town, task), (jobs, trainees) in yields.items()
    for tier, fall in ((1, 1), (2, 0.4))
)
money = {"zh": "千元", "en": "thousand"}
fund = allot.Programme.from_frames(places, tasks, tiers, money=money, metrics=["jobs", "trainees"])
floor = {
    "id": "floor",
    "title": {"zh": "各镇安排数下限", "en": "Least amount for a town"},
    "basis": "assumption",
    "reason": {"zh": "示例", "en": "An example"},
    "measure": "amount",
    "per": ["county"],
    "at_least": 12,
}
small = allot.Scenario.of(fund, budget=50, lot=5, rules=[floor])
complete = allot.front(small, "jobs,trainees")
complete.frame().iloc[::20]

# %%
shown = complete.frame().assign(label="")
small_titles = {"jobs": "jobs 就业", "trainees": "trainees 培训"}
allot.charts.trade_off(shown, "jobs", "trainees", small_titles)

# %% [markdown]
# How many of these does a sum of weights find? Only those on the outer edge (凸包): of the others
# some mixture of two neighbours has more of both.

# %%
points = complete.frame()[["jobs", "trainees"]].astype(float)
shares = [step / 200 for step in range(1, 200)]
by_weights = {
    (points["jobs"] * share + points["trainees"] * (1 - share)).idxmax() for share in shares
}
Markdown(
    f"{len(points)} points, {'none is missing' if complete.complete else 'some may be missing'}; "
    f"199 pairs of weights find {len(by_weights)} of them."
)

# %% [markdown]
# ## 2. The fund of 2020, by six points
#
# `no-integer-rules`: no lot, no limit of tasks and cells, so what is shown is more than the base can
# reach. Each point is in whole 万元 and keeps the other rules.

# %%
scenario = allot.load(f"{scenarios / 'base-2020.yaml'}@no-integer-rules")
metrics = {metric.id: metric for metric in scenario.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}
six = allot.front(scenario, "jobs,trainees", points=6)
edge = six.frame().astype(float)
edge["trainees for one job 每少1人就业"] = edge["trainees"].diff() / -edge["jobs"].diff()
edge.rename(columns=titles)

# %%
both = {name: titles[name] for name in ("jobs", "trainees")}
allot.charts.trade_off(edge.assign(label=""), "jobs", "trainees", both)

# %% [markdown]
# ## What to take away

# %%
factor = {
    name: float(value)
    for name, value in allot.audit(scenario, allot.baseline(scenario)).outcomes.items()
}
above = edge[(edge["jobs"] >= factor["jobs"]) & (edge["trainees"] >= factor["trainees"])]
rate = edge["trainees for one job 每少1人就业"].dropna()
Markdown(
    f"""
- **A front is a list to choose from**: the small fund has {len(points)} points, and 199 pairs of
  weights find only {len(by_weights)} of them.
- **In the fund of 2020 trainees are cheap until they are not**: the first step away from the most
  jobs gives {rate.iloc[0]:.0f} trainees for a job, the last one {rate.iloc[-1]:.1f}.
- **{len(above)} of the {len(edge)} points** have no less of both than the factor method (因素法), which
  has {factor["jobs"]:,.0f} jobs and {factor["trainees"]:,.0f} trainees; without the limits of cells
  and tasks.
- {"The six points are a choice of many" if not six.complete else "The list is complete"}; by the
  record's calibration (按实绩), a trainee at 5,500 yuan, which is an assumption.
"""
)
