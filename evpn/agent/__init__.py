"""The agent: facts from ExaBGP and the kernel in, command lines and kernel rows out.

`core` decides (pure, called with `now`), `peers` and `announcer` own sessions and our routes, `loop` owns the file
descriptors and the turns, `build` makes devices, `status` and `control` answer `evpn show`.
"""
