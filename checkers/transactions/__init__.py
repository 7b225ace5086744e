"""Isolation of transactions, judged from what they read: Elle's way (Kingsbury & Alvaro 2020).

A history of transactions over lists (`list_append`) or registers (`rw_register`) tells which of
them must have come before which (`graph`). Whatever goes round in a circle, or was read and never
written, is an anomaly (`anomalies`), and an anomaly rules out consistency models (`consistency`).
"""
