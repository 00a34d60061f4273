from lambda_core.cli import main

main()
