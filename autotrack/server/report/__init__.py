"""A report: runs, or runs compared, as one HTML file that opens without a server and without a network.

It has the modules of the pages in it, and the answers of the API that they ask for.
"""
