"""What icscaler itself costs a month: counted calls times a dated price table.

python -m benchmarks.costs            counts again (long), prints the tables of docs/costs.md
python -m benchmarks.costs --write    and puts counts.json and the tables in their place
python -m benchmarks.costs --no-count prices the stored counts, with --prices FILE your own
"""
