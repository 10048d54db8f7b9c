"""Why: prices of rules, ranges near the best, what would have to give way, why a county gets it."""
