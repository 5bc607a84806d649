"""Schedules: when the windows of a fleet file hold, as pure calendar arithmetic.

`zones` has the clocks of a time zone as data, `cron` the minutes an expression names, `windows`
puts them together. No clock is read and no time zone database: the compiled fleet carries what is
needed, so that a stored look gives the same windows for ever.
Why: docs/design/013-schedules-and-groups.md.
"""
