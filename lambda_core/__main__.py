from lambda_core.commands.main import main

main()
