// run_output_test.cpp: what `sluice run` prints: every byte of its tasks, and nothing else.
// SPDX-License-Identifier: MIT
#include <filesystem>

#include "e2e/run_rig.hpp"

namespace sluice::e2e {
namespace {

// Real files of this machine, and made ones where it has too few of them.
std::string many_files(const RunRig& rig, std::size_t count) {
  std::string list;
  std::size_t found = 0;
  const auto take = [&](const std::filesystem::path& path) {
    const std::string name = path.string();
    if (found == count || name.find('\n') != std::string::npos) return;
    if (name.find('\\') != std::string::npos) return;  // sha256sum would escape it
    list += name + "\n";
    ++found;
  };
  std::error_code error;
  const auto skip = std::filesystem::directory_options::skip_permission_denied;
  for (const char* const folder : {"/usr/include", "/usr/share/doc"}) {
    for (std::filesystem::recursive_directory_iterator at(folder, skip, error), end;
         !error && at != end && found < count; at.increment(error))
      if (at->is_regular_file(error) && !at->is_symlink(error)) take(at->path());
  }
  std::filesystem::create_directory(rig.dir.file("made"));
  while (found < count) {
    const std::string name = "made/file " + std::to_string(found);
    rig.dir.write(name, std::string(found, 'x'));
    take(rig.dir.file(name));
  }
  return list;
}

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes + bytes;
}

TEST_SUITE("run: output") {
  TEST_CASE("five thousand checksums are those of sha256sum itself, in order with -k") {
    const RunRig rig;
    const std::string files = many_files(rig, 5000);
    rig.dir.write("files", files);
    const Ran expected = run(
        {"sh", "-c", "tr '\\n' '\\0' < \"$1\" | xargs -0 sha256sum", "sh", rig.dir.file("files")});
    REQUIRE(expected.code == 0);
    REQUIRE(lines_of(expected.out).size() == 5000);
    const Ran ordered = rig.run({"-k", "-j", "4", "--", "sha256sum", "{}"}, files);
    CHECK(ordered.code == 0);
    CHECK(ordered.err == "");
    CHECK((ordered.out == expected.out));  // not shown: it is long
    const Ran unordered = rig.run({"-j", "4", "sha256sum", "::::", "files"});
    CHECK(unordered.code == 0);
    CHECK(unordered.err == "");
    CHECK((lines_of(unordered.out) == lines_of(expected.out)));
  }

  TEST_CASE("every byte value passes through stdout and stderr, and into the outcome file") {
    const RunRig rig;
    rig.dir.write("bytes", all_bytes());
    const Ran ran = rig.run_logged({"--", "cat {}; cat {} >&2", ":::", "bytes"});
    CHECK(ran.code == 0);
    CHECK((ran.out == all_bytes()));
    CHECK((ran.err == all_bytes()));
    const Ran base64 = run({"base64", "-w0", rig.dir.file("bytes")});
    const auto outcome = rig.outcomes().at(1);
    CHECK(outcome.at("stdout_base64") == base64.out);
    CHECK(outcome.at("stderr_base64") == base64.out);
    CHECK(rig.joblog().at(1).received == 1024);
  }

  TEST_CASE("output beyond the limit is cut, told and counted, and the task is done") {
    const RunRig rig;
    const Ran ran =
        rig.run_logged({"--output-limit", "1000", "--",
                        "yes | head -c 3000000; yes n | head -c 1500 >&2 # {}", ":::", "x"});
    CHECK(ran.code == 0);
    CHECK(ran.out.size() == 1000);
    CHECK(ran.out.substr(0, 6) == "y\ny\ny\n");
    CHECK(holds(ran.err, "sluice run: task 1: 2999500 bytes of its output were dropped"));
    CHECK(holds(ran.err, "--output-limit"));
    const auto outcome = rig.outcomes().at(1);
    CHECK(outcome.at("status") == "done");
    CHECK(outcome.at("stdout").get<std::string>().size() == 1000);
    CHECK(outcome.at("stdout_cut") == 2'999'000);
    CHECK(outcome.at("stderr_cut") == 500);
    CHECK(rig.joblog().at(1).received == 2000);
  }

  TEST_CASE("a task's output stays in one piece, also when several print at once") {
    const RunRig rig;
    const Ran ran = rig.run({"-j", "4", "--", "for i in 1 2 3 4 5; do echo {}; done", ":::", "a",
                             "b", "c", "d", "e", "f", "g", "h"});
    CHECK(ran.code == 0);
    REQUIRE(ran.out.size() == 80);
    for (std::size_t at = 0; at < 80; at += 10) {
      std::string piece;
      for (int i = 0; i < 5; ++i) piece += std::string(1, ran.out[at]) + "\n";
      CHECK(ran.out.substr(at, 10) == piece);
    }
  }

  TEST_CASE("with -k a fast task's output waits for that of a slow one before it") {
    const RunRig rig;
    const Ran ran = rig.run({"-k", "-j", "2", "--",
                             "case {} in 1) " + wait_for("second") +
                                 ";; 2) touch second;; esac; "
                                 "echo {}",
                             ":::", "1", "2", "3"});
    CHECK(ran.code == 0);
    CHECK(ran.out == "1\n2\n3\n");
  }

  TEST_CASE("--tag begins each line with the arguments and a tab") {
    const RunRig rig;
    const Ran one =
        rig.run({"--tag", "-k", "--", "echo {}; printf 'no end' # ", ":::", "a b", "c"});
    CHECK(one.out == "a b\ta b\na b\tno endc\tc\nc\tno end");
    const Ran two =
        rig.run({"--tag", "--", "echo x; echo y >&2 # {1} {2}", ":::", "a", ":::", "1"});
    CHECK(two.out == "a 1\tx\n");
    CHECK(two.err == "a 1\ty\n");
  }

  TEST_CASE("--dry-run prints what can be typed in a shell, and runs nothing") {
    const RunRig rig;
    const Ran program =
        rig.run({"--dry-run", "--joblog", "joblog", "--", "touch", "{}", ":::", "a", "b c", "d'e"});
    CHECK(program.code == 0);
    CHECK(lines_of(program.out).size() == 3);
    CHECK_FALSE(rig.dir.has("a"));
    CHECK_FALSE(rig.dir.has("joblog"));
    const Ran typed = run({"sh", "-c", "cd \"$1\" && . ./script", "sh", rig.dir.path()}, {});
    CHECK(typed.code != 0);  // no script yet
    rig.dir.write("script", program.out);
    CHECK(run({"sh", "-c", "cd \"$1\" && . ./script", "sh", rig.dir.path()}).code == 0);
    CHECK(rig.dir.has("a"));
    CHECK(rig.dir.has("b c"));
    CHECK(rig.dir.has("d'e"));
    CHECK(rig.run({"--dry-run", "--", "echo {} | wc -c", ":::", "x y"}).out ==
          "echo 'x y' | wc -c\n");
  }

  TEST_CASE("--output json prints one object, --output quiet nothing") {
    const RunRig rig;
    const Words tasks{"--", "echo {}; echo {} >&2; exit {}", ":::", "0", "0", "4"};
    Words words{"--output", "json"};
    words.insert(words.end(), tasks.begin(), tasks.end());
    const Ran json = rig.run(words);
    CHECK(json.code == 1);
    CHECK(json.err == "");
    const auto summary = nlohmann::json::parse(json.out);
    CHECK(summary.at("tasks") == 3);
    CHECK(summary.at("done") == 2);
    CHECK(summary.at("failed") == 1);
    CHECK(summary.at("cancelled") == 0);
    CHECK(summary.at("exit_code") == 1);
    CHECK(summary.at("seconds") > 0);
    words[1] = "quiet";
    const Ran quiet = rig.run(words);
    CHECK(quiet.code == 1);
    CHECK(quiet.out == "");
    CHECK(quiet.err == "");
  }

  TEST_CASE("--bar and --eta write no control characters where no terminal is") {
    const RunRig rig;
    for (const char* const option : {"--bar", "--eta"}) {
      CAPTURE(option);
      const Ran ran = rig.run({option, "-k", "--", "sleep 0.2; echo {}", ":::", "a", "b", "c"});
      CHECK(ran.code == 0);
      CHECK(ran.out == "a\nb\nc\n");
      CHECK(holds(ran.err, "3 tasks done"));
      CHECK(std::none_of(ran.err.begin(), ran.err.end(),
                         [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == '\x7f'; }));
    }
  }

  TEST_CASE("no input is no work, and no failure") {
    const RunRig rig;
    const Ran ran = rig.run_logged({"--", "echo"}, "");
    CHECK(ran.code == 0);
    CHECK(ran.out == "");
    CHECK(ran.err == "");
    CHECK(rig.joblog().empty());
    CHECK(rig.outcomes().empty());
  }
}

}  // namespace
}  // namespace sluice::e2e
