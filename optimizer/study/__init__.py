"""Many scenarios, allocations or draws at once; nothing is imported here, for what is only drawn
needs no solver."""
