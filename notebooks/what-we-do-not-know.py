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
# # What we do not know (哪些县的资金取决于假定)
#
# Every coefficient of the response is an assumption. What does that do to the proposal, to whose
# money, and which number should be verified first?
#
# 1. the proposal, the factor method (因素法) and that mended, read under drawn assumptions;
# 2. the money itself: whose would stand elsewhere if a guess is wrong, and whose would not;
# 3. what to verify first.
#
# A share of draws is over the ranges that are assumed here and over nothing else. It is no
# forecast.

# %%
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

import allot

pd.set_option("display.float_format", "{:,.4g}".format)
pd.set_option("display.max_colwidth", 80)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())
base = allot.load(scenarios / "base-2020.yaml")
names = dict(zip(base.programme.counties.ids, base.programme.counties.names("zh"), strict=True))

# %% [markdown]
# ## 1. The tables, read under 1,000 draws
#
# Drawn are the constants that rates are made of, each within its range or else ten percent each
# way. Nothing is solved again here.

# %%
proposal = allot.solve(base)
read = allot.uncertainty(proposal)
read.outcomes

# %%
odds = read.rules.query("depends and table == 'proposal'")
odds[["rule", "kept", "draws", "floor", "cap"]]

# %% [markdown]
# `floor` is the level of all rates of the metric, in parts of what is assumed, below which the rule
# breaks: exact, without draws.
#
# ## 2. Whose money hangs on it
#
# For each draw the table is sought that keeps every rule, comes within 0.2 % of the best possible
# there, and moves least money between counties (县间调整额).

# %%
found = allot.contestable(proposal, draws=30)
found.draw_frame["told"].value_counts()

# %%
counties = found.county_frame.assign(name=lambda frame: frame["county"].map(names))
stances = counties["stance"].value_counts()
stances

# %%
contested = counties[counties["stance"] == "data"].assign(wide=lambda frame: frame.high - frame.low)
contested.nlargest(12, "wide")[["county", "name", "now", "low", "high", "changed", "driver"]]

# %% [markdown]
# Where `driver` is blank, no drawn number goes with the county's money more than chance allows;
# with few draws that is often so.
#
# ## 3. What to verify first

# %%
first = pd.DataFrame(
    [(one.path, one.title.zh, count, wide) for one, count, wide in found.first],
    columns=["path", "title", "counties", "ranges together 万元"],
)
first

# %% [markdown]
# ## What to take away

# %%
moved = found.draw_frame["moved"].dropna()
check = f"`{first['path'][0]}`" if len(first) else "none that stands out over so few draws"
Markdown(
    f"""
- **{stances.get("safe", 0)} of {len(counties)} counties are safe**: within these ranges their money
  need not move to come within 0.2 % of the best possible. {stances.get("rules", 0)} are held where
  they are by a limit of their own: argue about the rule, not about data.
- **{stances.get("data", 0)} depend on data**; their ranges come to {contested["wide"].sum():,.0f}
  万元 together, {contested["wide"].sum() / float(base.budget):.1%} of the fund.
- **In {(moved == 0).mean():.0%} of the draws no county's money moves at all**: what changes is which
  tasks are funded within counties.
- **Verify first**: {check}.
- **The rules on outcomes** are kept in {odds["kept"].min():,.0f} of {odds["draws"].iloc[0]:,.0f}
  draws at the least.
"""
)
