"""Frames of hosts: what they say of their addresses, what we ask and tell them (RFC 826, 4861, 5227, 9161). Pure.

`ethernet`, `arp` and `nd` are the codecs, `sighting` decides what is believed and `question` what may be answered;
`frames` are ours, `filter` is what the kernel sorts out beforehand.
"""
