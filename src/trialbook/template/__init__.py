"""What ``trialbook new`` writes: a paper for a trial, from its tables alone."""
