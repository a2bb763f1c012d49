"""Tumors cut out as seeds, morphed, placed and blended into other scans."""
