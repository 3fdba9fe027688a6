// completion: what a shell asks fleetctl while a line is being typed.
// Knows the definitions of commands; knows nothing of what they do.
// Start with suggest.ts; the scripts here only ask and show.

/** Shells that completion speaks to. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The hidden command that the scripts call with the words of a line. */
export const completeCommand = '__complete';

/** The line with which fleetctl asks for file names beside its own suggestions. */
export const filesLine = ':files';

/** What a shell has to read to complete fleetctl's lines. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# fleetctl in bash: source <(fleetctl completion bash)
_fleetctl() {
  local line=\${COMP_LINE:0:COMP_POINT} words word kept
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  # bash breaks words at : = and @ as well, and replaces only what comes after.
  kept=\${words[-1]%"$2"}
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    if [[ $word == ${filesLine} ]]; then
      compopt -o filenames
      while read -r word; do
        COMPREPLY+=("\${word#"$kept"}")
      done < <(compgen -f -- "\${words[-1]}")
    else
      COMPREPLY+=("\${word#"$kept"}")
    fi
  done < <("$1" ${completeCommand} -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _fleetctl fleetctl
`,
  zsh: `#compdef fleetctl
# fleetctl in zsh: source <(fleetctl completion zsh), or put it into $fpath as _fleetctl
_fleetctl() {
  local -a lines names shown
  local line files=
  lines=("\${(@f)$("\${(Q)words[1]}" ${completeCommand} -- "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == ${filesLine} ]]; then
      files=1
    else
      names+=("\${line%%$'\\t'*}")
      shown+=("\${line/$'\\t'/  -- }")
    fi
  done
  (( $#names )) && compadd -l -d shown -a names
  [[ -n $files ]] && _files
}
if [[ $funcstack[1] == _fleetctl ]]; then
  _fleetctl "$@"
else
  compdef _fleetctl fleetctl
fi
`,
  fish: `# fleetctl in fish: fleetctl completion fish | source
function __fleetctl_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  for line in ($typed[1] ${completeCommand} -- $typed[2..-1] "$current" 2>/dev/null)
    if test "$line" = ${filesLine}
      __fish_complete_path "$current"
    else
      printf '%s\\n' "$line"
    end
  end
end
complete -c fleetctl -f -a '(__fleetctl_complete)'
`,
};
