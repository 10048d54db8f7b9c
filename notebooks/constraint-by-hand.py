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
# # Add a constraint by hand, in PuLP (用 PuLP 手工加一条约束)
#
# Most rules are data and need no code. But a planner may think of one that no rule can say. Then
# the model is there as a PuLP problem with names: add a constraint, solve, and bring the result
# back. It comes back in whole 万元, and the audit (核验) reads it by every rule as usual, so that
# nothing that was added by hand can hide a broken one.
#
# The wishes here: *each county in the Yi area gets for processing and training together at least
# 1.4 times what it gets for industrial parks (园区建设)*, and two counties are to get the same.

# %%
from pathlib import Path

import pandas as pd
import pulp
from IPython.display import Markdown

import allot

pd.set_option("display.float_format", "{:,.4g}".format)

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
above = [here, *here.resolve().parents]
scenarios = next(folder / "scenarios" for folder in above if (folder / "scenarios").is_dir())

# %% [markdown]
# The quick variant without counts and lots is a linear program, which any solver does in no time.

# %%
scenario = allot.load(scenarios / "base-2020.yaml@no-integer-rules")
before = allot.solve(scenario, repaired=False)
metrics = {metric.id: metric for metric in scenario.programme.file.metrics}
titles = {name: f"{metric.title.en} {metric.title.zh}" for name, metric in metrics.items()}
before

# %% [markdown]
# ## 1. The model as people read it

# %%
model = allot.to_pulp(scenario)
problem = model.problem
print(f"{len(problem.variables())} columns, {problem.numConstraints()} rows")
print(model.x["513431", "parks"], "≥ 0 is the money of one cell")

# %% [markdown]
# ## 2. Two constraints by hand

# %%
counties = allot.frames.table_frame(scenario.programme.counties)
yi = counties.loc[counties["area"] == "yi", "county"]
for code in yi:
    fed = model.x[code, "training"] + model.x[code, "agri-processing"]
    problem += fed >= 1.4 * model.x[code, "parks"], f"parks_are_fed_{code}"

tasks = scenario.programme.tasks.ids
total = {code: pulp.lpSum(model.x[code, task] for task in tasks) for code in ("513431", "513429")}
problem += total["513431"] == total["513429"], "zhaojue_as_much_as_butuo"

# %% [markdown]
# ## 3. Solve it with any solver that PuLP knows

# %%
problem.solve(pulp.getSolver("HiGHS", msg=False))
print(pulp.LpStatus[problem.status])

# %% [markdown]
# ## 4. Back to whole 万元 and through the audit
#
# `from_pulp` keeps what was added while it looks for whole units, and says what it found changed.

# %%
after = allot.from_pulp(scenario, model)
print(*after.solver.notes, sep="\n")
after

# %%
both = counties.loc[counties["county"].isin(total), "name_en"]
pd.concat({"before": before.table.loc[both], "after": after.table.loc[both]})

# %%
cost = pd.DataFrame(
    {
        "before": {titles[name]: float(v) for name, v in before.audit.outcomes.items()},
        "after": {titles[name]: float(v) for name, v in after.audit.outcomes.items()},
    }
)
cost["change"] = (cost["after"] - cost["before"]).round(3) + 0.0
cost

# %% [markdown]
# ## 5. The same wish as a rule
#
# The second constraint needs code. The first does not: it is a rule like any other, and then it
# is in the report, the workbook and the record too.

# %%
fed = {
    "parks-are-fed": {
        "title": {"zh": "园区配套", "en": "Parks are fed"},
        "basis": "assumption",
        "reason": {"zh": "示例", "en": "An example"},
        "measure": "amount",
        "where": {"area": "yi", "task": ["training", "agri-processing"]},
        "per": ["county"],
        "at_least": {
            "times": "1.4",
            "of": "amount",
            "where": {"area": "yi", "task": "parks"},
            "per": ["county"],
        },
    }
}
with_rule = scenario.replace(rules=fed)
as_rule = allot.solve(with_rule, repaired=False)
agrees = not allot.audit(with_rule, after.allocation).broken
as_rule

# %% [markdown]
# ## What to take away

# %%
amounts = after.amounts.groupby("county")["amount"].sum()
Markdown(
    f"""
- Two wishes added by hand, {len(yi) + 1} constraints: the two counties now get
  {amounts["513431"]:,.0f} and {amounts["513429"]:,.0f} 万元, and
  {len(after.audit.broken)} limits of the scenario's own rules are broken.
- Together they change the outcomes by
  {", ".join(f"{name} {change:+,.1f}" for name, change in cost["change"].items())}.
- As a rule the first one alone gives an index of {float(as_rule.objective):.5f} against
  {float(before.objective):.5f} without; the table made by hand
  {"keeps" if agrees else "does not keep"} it when the audit reads it.
"""
)
