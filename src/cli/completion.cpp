// completion.cpp: the option tree as case statements for bash, and as _arguments for zsh.
// SPDX-License-Identifier: MIT
#include "cli/completion.hpp"

#include <vector>

namespace sluice::cli {
namespace {

constexpr const char* kBashHead =
    R"(# bash completion for sluice; written by its build from the program's own options.
)";

// Words are counted by hand: bash breaks "--access=FILE" into three.
constexpr const char* kBashBody = R"(
# Where in COMP_WORDS the command of `run` and `submit` begins; beyond the end if not yet.
_sluice_command_at() {
  local at=2 word values=$1
  while ((at < COMP_CWORD)); do
    word=${COMP_WORDS[at]}
    if [[ $word == -- ]]; then echo $((at + 1)); return; fi
    if [[ $word != -?* ]]; then echo "$at"; return; fi
    if [[ ${COMP_WORDS[at + 1]-} == '=' ]]; then
      ((at += 3))
    elif [[ $values == *" $word "* ]]; then
      ((at += 2))
    else
      ((at += 1))
    fi
  done
  if ((at == COMP_CWORD)) && [[ ${COMP_WORDS[at]} != -* ]]; then echo "$at"; else echo 99999; fi
}

_sluice() {
  local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
  local verb=${COMP_WORDS[1]} verbs= words= values= takes_command= kind= command=99999
  COMPREPLY=()
  if [[ $current == '=' ]]; then
    current=
  elif [[ $option == '=' ]] && ((COMP_CWORD > 2)); then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    _sluice_options ''
    mapfile -t COMPREPLY < <(compgen -W "$verbs $words" -- "$current")
    return
  fi
  _sluice_options "$verb"
  if [[ $takes_command == yes ]]; then command=$(_sluice_command_at "$values"); fi
  if ((COMP_CWORD == command)); then
    compopt -o filenames 2> /dev/null
    mapfile -t COMPREPLY < <({ compgen -c -- "$current"; compgen -f -- "$current"; } | sort -u)
    return
  fi
  if ((COMP_CWORD > command)); then
    kind=file
  elif [[ $values == *" $option "* ]]; then
    kind=$(_sluice_value "$verb" "$option")
  elif [[ $current == -* ]]; then
    kind=$words
  fi
  case $kind in
    '') ;;
    file) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folder) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
  esac
}

complete -F _sluice sluice
)";

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

bool is_file(const OptionEntry& option) { return option.value.starts_with("FILE"); }
bool is_folder(const OptionEntry& option) { return option.value == "DIR"; }

std::string bash_options(const VerbEntry& verb) {
  std::string words, values = " ";
  for (const OptionEntry& option : verb.options) {
    words += (words.empty() ? "" : " ") + joined(option.names, " ");
    if (!option.value.empty()) values += joined(option.names, " ") + " ";
  }
  return "    '" + verb.name + "')\n      words='" + words + "'\n      values='" + values +
         "'\n      takes_command=" + (verb.takes_command ? "yes" : "no") + "\n      ;;\n";
}

std::string bash_values(const VerbEntry& verb) {
  std::string out;
  for (const OptionEntry& option : verb.options) {
    const std::string kind = is_file(option)     ? "file"
                             : is_folder(option) ? "folder"
                                                 : joined(option.choices, " ");
    if (kind.empty()) continue;
    std::string labels;
    for (const std::string& name : option.names)
      labels += (labels.empty() ? "'" : " | '") + verb.name + ' ' + name + '\'';
    out += "    " + labels + ") echo '" + kind + "' ;;\n";
  }
  return out;
}

std::string names_of(const OptionTree& tree) {
  std::string out;
  for (const VerbEntry& verb : tree.verbs) out += (out.empty() ? "" : " ") + verb.name;
  return out;
}

// Text for the inside of single quotes, where zsh's own signs have a backslash.
std::string quoted(const std::string& text, const std::string& signs) {
  std::string out;
  for (const char c : text) {
    if (signs.find(c) != std::string::npos) out += '\\';
    out += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return out;
}

// '(-j --jobs)'{-j+,--jobs=}'[Tasks run here at once]:N|P%: ': the value may stand beside the name
// or behind it.
std::string zsh_option(const OptionEntry& option) {
  std::vector<std::string> names = option.names;
  if (!option.value.empty())
    for (std::string& name : names) name += name.starts_with("--") ? "=" : "+";
  std::string out = option.repeats ? "'*'" : "'(" + joined(option.names, " ") + ")'";
  out += names.size() == 1 ? names[0] : "{" + joined(names, ",") + "}";
  out += "'[" + quoted(option.about, "[]\\") + "]";
  if (!option.value.empty()) {
    out += ":" + quoted(option.value, ":\\") + ":";
    if (is_file(option)) out += "_files";
    if (is_folder(option)) out += "_files -/";
    if (!option.choices.empty()) out += "(" + joined(option.choices, " ") + ")";
    if (out.back() == ':') out += " ";
  }
  return out + "'";
}

std::string zsh_arguments(const VerbEntry& verb, const std::string& indent) {
  std::string out;
  for (const OptionEntry& option : verb.options) out += " \\\n" + indent + zsh_option(option);
  if (verb.takes_command)
    out += " \\\n" + indent + "'1:command:_command_names -e' \\\n" + indent + "'*:argument:_files'";
  return out;
}

}  // namespace

std::string bash_completion(const OptionTree& tree) {
  std::string options = bash_options(tree.program), values;
  for (const VerbEntry& verb : tree.verbs) {
    options += bash_options(verb);
    values += bash_values(verb);
  }
  return std::string(kBashHead) +
         "\n# Sets what the options of a verb are: all words, and those that take a value.\n"
         "_sluice_options() {\n  verbs='" +
         names_of(tree) + "'\n  takes_command=no\n  case $1 in\n" + options +
         "  esac\n}\n\n# What an option's value is: file, folder, or the words to choose from.\n"
         "_sluice_value() {\n  case \"$1 $2\" in\n" +
         values + "  esac\n}\n" + kBashBody;
}

std::string zsh_completion(const OptionTree& tree) {
  std::string verbs, cases;
  for (const VerbEntry& verb : tree.verbs) {
    verbs += "        '" + verb.name + ":" + quoted(verb.about, "\\") + "'\n";
    cases += "        " + verb.name + ")\n          _arguments -s -S -A '-*'" +
             zsh_arguments(verb, "            ") + "\n          ;;\n";
  }
  return "#compdef sluice\n# zsh completion for sluice; written by its build from the program's "
         "own options.\n\n_sluice() {\n  local context state state_descr line\n"
         "  typeset -A opt_args\n  local -a verbs\n  _arguments -C -A '-*'" +
         zsh_arguments(tree.program, "    ") +
         " \\\n    '1:verb:->verb' \\\n    '*::argument:->rest'\n  case $state in\n"
         "    verb)\n      verbs=(\n" +
         verbs +
         "      )\n      _describe verb verbs\n      ;;\n    rest)\n      case $line[1] in\n" +
         cases + "      esac\n      ;;\n  esac\n}\n\n_sluice \"$@\"\n";
}

}  // namespace sluice::cli
