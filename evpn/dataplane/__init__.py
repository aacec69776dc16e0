"""The Linux view: which rows the kernel should hold, which it holds, whose they are. Pure; RFC 8365, kernel facts.

`link` the devices, `entries` the rows, `project` MAC table -> rows, `ownership` whose row is it,
`segment` one bridge domain's tables, `dataplane` all of them.
"""
