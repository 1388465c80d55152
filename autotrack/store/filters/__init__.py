"""The search language: text to tokens, tokens to a syntax tree, the tree to bound SQL."""

from .grammar import parse_filter, parse_order
from .syntax import Node, Order

__all__ = ["Node", "Order", "parse_filter", "parse_order"]
