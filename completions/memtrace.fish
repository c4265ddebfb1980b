# fish completion for memtrace.

set -l commands run report map diff gate export dump mark ls recover doctor help
set -l reading report map diff dump ls doctor

complete -c memtrace -f
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a run -d 'Run a program under the tracer'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a report -d 'Which lines memory grew from'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a map -d 'The arenas, and what keeps them'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a diff -d 'Two profiles compared'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a gate -d 'Fail a build whose memory got worse'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a export -d 'A profile in formats of other tools'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a dump -d 'Every record of a profile'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a mark -d 'Name this moment'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a ls -d 'Runs in a directory'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a recover -d 'Make the profile of a killed run'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a doctor -d 'What would happen here'
complete -c memtrace -n "not __fish_seen_subcommand_from $commands" -a help -d 'Explain a command'
complete -c memtrace -l help -d 'Give this help list'

complete -c memtrace -n "__fish_seen_subcommand_from run" -s o -l output -r -F -d 'Where the profiles go'
complete -c memtrace -n "__fish_seen_subcommand_from run" -l events -a 'full all' -d 'Keep every event'
complete -c memtrace -n "__fish_seen_subcommand_from run" -l frees -d 'Record who frees, too'
complete -c memtrace -n "__fish_seen_subcommand_from run" -l follow -x -a 'tree fork none' -d 'Which children are traced'
complete -c memtrace -n "__fish_seen_subcommand_from run doctor" -a '(__fish_complete_subcommand)'

complete -c memtrace -n "__fish_seen_subcommand_from report" -l from -x -a 'start main' -d 'Growth since'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l to -x -a 'main end' -d 'What is live at'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l by -x -a 'line own function file module stack thread' -d 'What a row stands for'
complete -c memtrace -n "__fish_seen_subcommand_from report" -s n -x -d 'Rows to show, 0 is all'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l focus -x -d 'Only stacks that match'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l ignore -x -d 'No stacks that match'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l live -d 'Again and again, of a running program'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l frees -d 'Who frees the blocks of each row'
complete -c memtrace -n "__fish_seen_subcommand_from report" -l merge -d 'One report of all files'

complete -c memtrace -n "__fish_seen_subcommand_from map" -l pools -d 'One arena, pool by pool'
complete -c memtrace -n "__fish_seen_subcommand_from map" -l at -x -a 'start main end peak' -d 'The arenas of'
complete -c memtrace -n "__fish_seen_subcommand_from map" -l by -x -a 'line own function file module' -d 'Whose blocks hold them'
complete -c memtrace -n "__fish_seen_subcommand_from map" -s n -x -d 'Rows to show, 0 is all'

complete -c memtrace -n "__fish_seen_subcommand_from diff" -l by -x -a 'line own function file module' -d 'What a row stands for'
complete -c memtrace -n "__fish_seen_subcommand_from diff" -l weight -x -a 'live growth peak total' -d 'What is compared'
complete -c memtrace -n "__fish_seen_subcommand_from diff" -l from -x -a 'start main' -d 'What grew since'
complete -c memtrace -n "__fish_seen_subcommand_from diff" -l to -x -a 'main end' -d 'What is live at'
complete -c memtrace -n "__fish_seen_subcommand_from diff" -s n -x -d 'Rows to show, 0 is all'
complete -c memtrace -n "__fish_seen_subcommand_from diff" -l focus -x -d 'Only stacks that match'
complete -c memtrace -n "__fish_seen_subcommand_from diff" -l ignore -x -d 'No stacks that match'

complete -c memtrace -n "__fish_seen_subcommand_from gate" -l baseline -r -d 'What to compare with'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l update-baseline -a ratchet -d 'Write the baseline'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l repeat -x -d 'Run the command so many times'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l json -r -d 'All of it'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l junit -r -d 'A test case for each check'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l sarif -r -d 'For code scanning'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l markdown -r -a auto -d 'A comment'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l openmetrics -r -d 'Metrics'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l annotations -x -a 'auto github none' -d 'On standard output'
complete -c memtrace -n "__fish_seen_subcommand_from gate" -l color -x -a 'auto always never' -d 'Colour'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l format -x -a 'folded speedscope' -d 'For which tools'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l weight -x -a 'live growth pinned peak total' -d 'How heavy a stack is'
complete -c memtrace -n "__fish_seen_subcommand_from export" -s o -l output -r -F -d 'Where to'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l from -x -a 'start main' -d 'Growth since'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l to -x -a 'main end' -d 'What is live at'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l focus -x -d 'Only stacks that match'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l ignore -x -d 'No stacks that match'
complete -c memtrace -n "__fish_seen_subcommand_from export" -l threads -d 'Begin stacks with their threads'

complete -c memtrace -n "__fish_seen_subcommand_from mark" -l audit -d 'Compare the arenas with the interpreter'

complete -c memtrace -n "__fish_seen_subcommand_from $reading" -l json -d 'Print JSON'
complete -c memtrace -n "__fish_seen_subcommand_from $reading run" -l units -x -a 'iec si' -d 'Powers of 1024 or of 1000'
complete -c memtrace -n "__fish_seen_subcommand_from $reading" -l color -x -a 'auto always never' -d 'Colour'

complete -c memtrace -n "__fish_seen_subcommand_from report map diff export dump recover" -k -a '(__fish_complete_suffix .memtrace)'
complete -c memtrace -n "__fish_seen_subcommand_from ls" -a '(__fish_complete_directories)'
complete -c memtrace -n "__fish_seen_subcommand_from mark" -a '(__fish_complete_pids)'
complete -c memtrace -n "__fish_seen_subcommand_from help" -a "$commands"
