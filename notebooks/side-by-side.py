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
# # Scenarios side by side (情景比较)
#
# A meeting never asks "what is optimal" but "what changes if". Here the shipped scenarios stand
# side by side: what differs in their inputs, what that does to jobs, firms and trainees, which
# counties gain and lose, and what happens to one county, 昭觉县, in each.
#
# On the command line the same is `allot compare base-2020.yaml base-2020.yaml@strict-tilt …`,
# which also writes a page and a workbook for the meeting.

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

allot.charts.use_svg()
pd.set_option("display.float_format", "{:,.4g}".format)
pd.set_option("display.max_colwidth", 60)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())
base = allot.load(scenarios / "base-2020.yaml")
metrics = {metric.id: metric for metric in base.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}

# %% [markdown]
# ## 1. Four scenarios and the factor baseline (因素法基准)

# %%
file = scenarios / "base-2020.yaml"
names = ["strict-tilt", "unlifted-seven", "trainees-first"]
columns = [file, *(f"{file}@{name}" for name in names), "baseline:factor"]
found = allot.compare(columns, gap=1e-3)
found

# %% [markdown]
# ### What differs in the inputs

# %%
found.inputs.query("sort != 'wording'").set_index(["column", "path"])[["reference", "value"]]

# %% [markdown]
# ### What that does
#
# `mark` says where a difference is no finding: `gap` is within what the solves leave open, `tie`
# could have come out the other way.

# %%
outcomes = found.outcomes.assign(metric=found.outcomes["metric"].map(titles))
others = outcomes[outcomes["column"] != found.reference.name]
others.pivot(index="column", columns="metric", values=["difference", "mark"])

# %%
columns = ["worth", "spent", "moved", "gini", "broken", "gap"]
summary = found.summary.set_index("column")
summary[[name for name in columns if name in summary]]

# %% [markdown]
# ## 2. Which counties gain and lose most

# %%
counties = allot.frames.table_frame(base.programme.counties).set_index("county")
gains = found.moved.assign(name=found.moved["county"].map(counties["name_zh"]))
ends = gains.groupby("column", sort=False)
pd.concat([ends.head(3), ends.tail(3)]).sort_values(["column", "difference"]).set_index(
    ["column", "name"]
)[["reference", "amount", "difference", "mark"]]

# %%
level = found.amounts.query("level == 'county'")
strict = found.columns[1].name
wide = level.query("column == @strict").assign(swing=lambda f: f["difference"].abs())
top = wide.nlargest(12, "swing")["place"]
order = [column.name for column in found.columns[:3]]
shown = level[level["place"].isin(top) & level["column"].isin(order)]
chart = shown.assign(label=shown["place"].map(counties["name_zh"]))[["label", "column", "amount"]]
allot.charts.slopes(chart, order, {"amount": "万元"})

# %% [markdown]
# ## 3. One county: 昭觉县

# %%
code = counties.index[counties["name_zh"] == "昭觉县"].item()
county = level[level["place"] == code].set_index("column")[["amount", "difference"]]
cells = found.amounts.query("level == 'cell' and place == @code")
by_task = cells.pivot(index="column", columns="task", values="amount")
county.join(by_task).loc[[column.name for column in found.columns]]

# %%
gain = others.pivot(index="column", columns="metric", values="difference")
province = county.join(gain)[["amount", "difference", *gain.columns]]
province.rename(columns={"amount": "昭觉县, 万元", "difference": "昭觉县, change"})

# %% [markdown]
# ## What to take away

# %%
lines = []
for name in [column.name for column in found.columns[1:]]:
    row = province.loc[name]
    change = ", ".join(f"{title} {round(row[title]) + 0:+,}" for title in gain.columns)
    moved = found.moved.attrs["moved"][name]
    lines.append(
        f"- **{name}**: 昭觉县 {row['amount']:,.0f} 万元 ({row['difference']:+,.0f}); all counties "
        f"together {change}; {moved:,.0f} 万元 stand elsewhere; "
        f"{int(summary.loc[name, 'broken'])} rules broken."
    )
Markdown("\n".join(lines) + f"\n\n{base.programme.calibration('record-2018-19').note.zh}")
