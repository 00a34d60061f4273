"""Figures: tables in, Plotly figures out.

Belongs here: pure functions of their arguments. Does not: Streamlit, torch, reading a study.
"""
