# Prints the line that zsh makes of `$2` when the tabulator is pressed at its end, with the completion of file `$1`.
# In a terminal of its own, as somebody types it: zsh completes nowhere else.
zmodload zsh/zpty
zpty shell "TERM=vt100 zsh -f -i"
zpty -w shell "autoload -Uz compinit; compinit -u -D; assay() { echo LINE=\$*=END }; source ${(q)1}; echo REA''DY"
zpty -r shell out '*READY*'
# The line editor starts with the next prompt.
sleep 0.5
zpty -w -n shell "$2"$'\t\n'
zpty -r shell out '*LINE=*=END*'
print -r -- "assay ${${out##*LINE=}%%=END*}"
