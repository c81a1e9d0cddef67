"""The control process: everything that may be slow, kept away from the calls. A child of `toolgate serve`."""
