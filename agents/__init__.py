"""Floor 3: strategies: truth, and the deviations that mechanisms must withstand."""
