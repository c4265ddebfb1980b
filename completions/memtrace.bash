# bash completion for memtrace.

_memtrace_files() {
	local IFS=$'\n'
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -X '!*.memtrace*' -- "$1"; compgen -d -- "$1")
}

_memtrace_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# The values of the option before the cursor; 1: it takes none, or any.
_memtrace_value() {
	case $2 in
	--by) _memtrace_words "line own function file module stack thread" "$1" ;;
	--at) _memtrace_words "start main end peak" "$1" ;;
	--from | --to) _memtrace_words "start main end" "$1" ;;
	--units) _memtrace_words "iec si" "$1" ;;
	--color) _memtrace_words "auto always never" "$1" ;;
	--follow) _memtrace_words "tree fork none" "$1" ;;
	--events) _memtrace_words "full all" "$1" ;;
	--format) _memtrace_words "folded speedscope" "$1" ;;
	--weight) _memtrace_words "live growth pinned peak total" "$1" ;;
	-o | --output | -n | --focus | --ignore) return 0 ;;
	*) return 1 ;;
	esac
}

_memtrace_options() {
	local reading="--json --units --color --help"
	case $1 in
	run) echo "--output --events --frees --follow --units --help" ;;
	diff) echo "--by --weight --from --to -n --focus --ignore $reading" ;;
	report) echo "--from --to --by -n --focus --ignore --frees --live --merge $reading" ;;
	map) echo "--pools --at --by -n $reading" ;;
	gate) echo "--config --baseline --update-baseline --repeat --json --junit --sarif --markdown --openmetrics --annotations --color --help" ;;
	export) echo "--format --weight --output --from --to --focus --ignore --threads --help" ;;
	dump | ls | doctor) echo "$reading" ;;
	mark) echo "--audit --help" ;;
	recover) echo "--help" ;;
	esac
}

# Behind run's or doctor's own options it is another program's command line.
_memtrace_command() {
	local at=2
	while [[ $at -lt $COMP_CWORD && ${COMP_WORDS[at]} == -* && ${COMP_WORDS[at]} != -- ]]; do
		case ${COMP_WORDS[at]} in
		-o | --output | --follow | --units | --color)
			[[ ${COMP_WORDS[at + 1]} == = ]] && at=$((at + 1))
			at=$((at + 1))
			;;
		--events)
			[[ ${COMP_WORDS[at + 1]} == = ]] && at=$((at + 2))
			;;
		esac
		at=$((at + 1))
	done
	[[ ${COMP_WORDS[at]} == -- ]] && at=$((at + 1))
	[[ $at -gt $COMP_CWORD || ($at -eq $COMP_CWORD && ${COMP_WORDS[at]} == -*) ]] && return 1
	if [[ $at -eq $COMP_CWORD ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[at]}")
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$at"
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

_memtrace() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local name=${COMP_WORDS[1]}
	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		_memtrace_words "run report map diff gate export dump mark ls recover doctor help --version --help" "$word"
		return
	fi
	# bash takes "=" for a word of its own.
	[[ $word == = ]] && word=
	[[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
	_memtrace_value "$word" "$before" && return
	case $name in
	run | doctor) _memtrace_command && return ;;
	esac
	if [[ $word == -* ]]; then
		_memtrace_words "$(_memtrace_options "$name")" "$word"
		return
	fi
	case $name in
	report | map | diff | gate | export | dump | recover) _memtrace_files "$word" ;;
	ls)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		;;
	mark) [[ $COMP_CWORD -eq 2 ]] && _memtrace_words "$(ps -eo pid= 2>/dev/null)" "$word" ;;
	help) _memtrace_words "run report map diff gate export dump mark ls recover doctor" "$word" ;;
	esac
}

complete -F _memtrace memtrace
