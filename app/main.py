"""Lambda Lab: `streamlit run app/main.py`."""

if __name__ == "__main__":  # the process that adapts (lambda_core/apart.py) reads this file too, under another name
    import shell

    shell.show()
