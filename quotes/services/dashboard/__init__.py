"""The managers' dashboard: figures over the facts of runs, each with the runs behind it.

All figures but one are of the runs *started* in the period, whatever became of them since: a
choice made today on a run of last month counts in last month. So every figure is a filter of the
list of runs, and no figure mixes runs of two periods. The one other is what ends undecided in
the next days.
"""
