// command_line_fuzz.cpp: any words as the template of a command, and any arguments for it.
// SPDX-License-Identifier: MIT
#include <sluice/command.hpp>
#include <sluice/error.hpp>

#include "cli/command_line.hpp"
#include "fuzz/fuzz.hpp"

using namespace sluice;

namespace {

using fuzz::require;

// What sh makes of a text that is one word in quotes or plain characters; an outcry if it is not.
std::string unquoted(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c == '\'' || c == '"') {
      const std::size_t end = text.find(c, at);
      require(end != std::string_view::npos, "a quote is closed");
      const std::string_view inside = text.substr(at, end - at);
      require(c == '\'' || inside.find_first_of("$`\\") == std::string_view::npos,
              "in double quotes nothing is special");
      out += inside;
      at = end + 1;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      require(std::isalnum(byte) || std::string_view("-_.+/").find(c) != std::string_view::npos,
              "what stands outside of quotes means itself");
      out += c;
    }
  }
  return out;
}

}  // namespace

// Lines: the words of the template, an empty line, the arguments.
SLUICE_FUZZ(command_line) {
  std::vector<std::string> lines[2];
  int which = 0;
  for (std::string_view rest = fuzz::text_of(input); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (end == 0 && which == 0)
      which = 1;
    else
      lines[which].emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto& [words, arguments] = lines;
  for (const std::string& argument : arguments)
    require(unquoted(cli::shell_quoted(argument)) == argument, "sh reads one word, as it was");
  for (const std::string& word : words) {
    const cli::WordTemplate one(word);
    const auto made = one.words(arguments, 7);
    require(one.is_lone_argument() || made.size() == 1, "a word stays one word");
    if (!one.has_placeholder()) require(made[0] == word, "without placeholders it stays itself");
    static_cast<void>(one.shell_text(arguments, 7));
    require(one.literal_text().size() <= word.size(), "a literal is a part of its word");
  }
  try {
    const cli::CommandLine line(words);
    const Command command = line.build(arguments, 1);
    require(!command.argv.empty(), "a command has a program");
    for (const std::string& word : command.argv)
      require(word.find('\0') == std::string::npos, "no word has a NUL in it");
    require(command.display.find('\n') == std::string::npos, "it is shown on one line");
  } catch (const Error& error) {
    require(error.what()[0] != '\0', "a refusal says why");
  }
}
