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
# # Back-test: how well does one year tell the next? (回测)
#
# The fund's results are known for two years, as totals over the province. That is little, and it
# is all there is: what does it say of our response, and by how much do we miss a year that we
# did not look at?
#
# 1. the level of each metric fitted to both years, and what two totals cannot tell;
# 2. 2018 told from 2019, and 2019 from 2018;
# 3. one published table beside ours.

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
history = scenarios / "sichuan-2020" / "history.csv"
pd.read_csv(history)

# %% [markdown]
# ## 1. What two totals tell
#
# The money by county is not known for either year. It is spread as the factor method (因素法)
# would have, which is an assumption.

# %%
fitted = allot.calibrate(base, history)
numbers = fitted.frame
numbers[numbers["why"] != "few"].shape[0], numbers["why"].value_counts().to_dict()

# %%
levels = numbers[numbers["path"].str.startswith("response.kappa")]
levels.set_index("path")[["assumed", "fitted", "observations", "why"]]

# %% [markdown]
# Two totals fix two levels and nothing else: no interval is given, and the effects of tasks and
# the saturation scales stay as they are assumed.
#
# ## 2. Each year from the other

# %%
told = allot.backtest(base, history, published=scenarios / "sichuan-2020" / "dazhou-2020.csv")
misses = told.frame[["fitted_to", "period", "metric", "predicted", "observed", "miss"]]
misses

# %% [markdown]
# ## 3. One published table
#
# Dazhou published what seven of its counties got in 2020. It may be one batch of several, chosen by
# project: shares among these counties, beside the factor method's, and no verdict.

# %%
shares = told.shares.set_index("county")
shares[["published", "baseline"]]

# %% [markdown]
# ## What a planner can say

# %%
worst = misses.loc[misses["miss"].abs().idxmax()]
apart = 50 * (shares["published"] - shares["baseline"]).abs().sum()
Markdown(
    f"From one year's total the next is told with an error of up to "
    f"{100 * misses['miss'].abs().max():.0f} % ({worst['metric']} of {worst['period']}): take every "
    "count of people or firms with that much on either side, at the least. Which county or task "
    "does better is not in the record at all. And the one published table stands "
    f"{apart:.0f} % apart from the factor method, by share of the money; it may be one batch, chosen "
    "by project. 用一年推另一年，误差约一成半；分县、分任务的效益，现有实绩说明不了。"
)
