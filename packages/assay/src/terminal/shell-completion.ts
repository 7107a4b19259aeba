import type { Command, Option } from "commander";

export type Shell = "bash" | "zsh" | "fish";
export const shells: readonly Shell[] = ["bash", "zsh", "fish"];

/** One command of the tree, flattened: `path` is `""` for the program, `rekor search` for a command below a command. */
interface Entry {
  readonly path: string;
  readonly description: string;
  readonly commands: readonly string[];
  readonly options: readonly Option[];
}

/** A completion script for `shell`, made from the command tree itself: commands, flags and the choices of flags. */
export function completionScript(program: Command, shell: Shell): string {
  const entries = flatten(program, "");
  switch (shell) {
    case "bash":
      return bash(entries);
    case "zsh":
      return `#compdef assay\nautoload -U +X bashcompinit && bashcompinit\n${bash(entries)}`;
    case "fish":
      return fish(entries);
  }
}

function flatten(command: Command, path: string): readonly Entry[] {
  const children = command.commands.filter((child) => child.name() !== "help");
  const own: Entry = {
    path,
    description: command.description(),
    commands: children.map((child) => child.name()),
    options: command.options.filter((option) => !option.hidden),
  };
  return [
    own,
    ...children.flatMap((child) => flatten(child, path === "" ? child.name() : `${path} ${child.name()}`)),
  ];
}

/** Files are what is left when nothing else fits: `-o default`. */
function bash(entries: readonly Entry[]): string {
  const words = entries.map(
    (entry) => `    ${quote(entry.path)}) words=${quote(wordsOf(entry).join(" "))} ;;`,
  );
  const choices = choicesOf(entries).map(
    ([flag, values]) => `    ${flag}) words=${quote(values.join(" "))} ;;`,
  );
  const paths = entries.filter((entry) => entry.path !== "").map((entry) => quote(entry.path));
  return `_assay() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" next words=""
  local -i i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
      ${paths.join("|")}) path="$next" ;;
    esac
  done
  case "$previous" in
${choices.join("\n")}
  esac
  if [ -z "$words" ]; then
    case "$path" in
${words.map((line) => `  ${line}`).join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _assay assay
`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap((entry) => {
    const condition =
      entry.path === ""
        ? "__fish_use_subcommand"
        : `__fish_seen_subcommand_from ${entry.path.split(" ").at(-1)}`;
    const children = entry.commands.map((name) => {
      const child = entries.find(
        (other) => other.path === (entry.path === "" ? name : `${entry.path} ${name}`),
      );
      return `complete -c assay -f -n '${condition}' -a ${name} -d ${quote(child?.description ?? "")}`;
    });
    const options = entry.options.map((option) => {
      const flag = `${option.short === undefined ? "" : ` -s ${option.short.slice(1)}`}${option.long === undefined ? "" : ` -l ${option.long.slice(2)}`}`;
      const values = option.argChoices === undefined ? "" : ` -xa ${quote(option.argChoices.join(" "))}`;
      const argument = option.required && values === "" ? " -r" : "";
      return `complete -c assay -n '${condition}'${flag}${argument}${values} -d ${quote(option.description)}`;
    });
    return [...children, ...options];
  });
  return `${lines.join("\n")}\n`;
}

function wordsOf(entry: Entry): readonly string[] {
  return [...entry.commands, ...entry.options.flatMap((option) => option.long ?? [])];
}

/** Flags whose values are a closed list, over all commands: `--output` offers the union. */
function choicesOf(entries: readonly Entry[]): readonly (readonly [string, readonly string[]])[] {
  const choices = new Map<string, Set<string>>();
  for (const option of entries.flatMap((entry) => entry.options)) {
    if (option.argChoices === undefined || option.long === undefined) continue;
    const flag = option.short === undefined ? option.long : `${option.short}|${option.long}`;
    choices.set(flag, new Set([...(choices.get(flag) ?? []), ...option.argChoices]));
  }
  return [...choices].map(([flag, values]) => [flag, [...values]] as const);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
