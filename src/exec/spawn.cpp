// spawn.cpp: vfork, and what a command finds when it starts.
// SPDX-License-Identifier: MIT
#include "exec/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/assert.hpp"
#include "exec/pidfd.hpp"
#include "exec/program_search.hpp"
#include "sluice/error.hpp"

namespace sluice::exec {
namespace {

constexpr int kNotFound = 127;
constexpr int kCannotRun = 126;

enum class Stage : int { none, chdir, setup, exec };

std::string because(int error) { return std::string(": ") + std::strerror(error); }

std::string cannot_start(const Command& command, const std::string& what, int error) {
  std::string text = "cannot start " + command.argv.front() + ": " + what + because(error);
  if (error == EMFILE) text += " (raise the limit on open files, ulimit -n)";
  if (error == EAGAIN) text += " (raise the limit on processes, ulimit -u)";
  return text;
}

// Empty if the command can be expressed to the kernel at all.
std::string why_not_a_command(const Command& command, const Variables& task_env) {
  if (command.argv.empty()) return "not a command: it has no program";
  for (std::size_t i = 0; i < command.argv.size(); ++i) {
    if (command.argv[i].find('\0') != std::string::npos)
      return "not a command: argument " + std::to_string(i) + " holds a NUL byte";
  }
  if (command.cwd.find('\0') != std::string::npos)
    return "not a command: its working folder holds a NUL byte";
  for (const Variables* const variables : {&command.env, &task_env}) {
    for (const auto& variable : *variables) {
      if (!Environment::is_usable(variable))
        return "not a command: the environment variable \"" + variable.first +
               "\" has no name, a '=' in its name, or a NUL byte";
    }
  }
  return "";
}

std::size_t total_bytes(char* const* strings) {
  std::size_t total = 0;
  for (; *strings != nullptr; ++strings) total += std::strlen(*strings) + 1;
  return total;
}

std::vector<char*> pointers_to(const std::vector<std::string>& strings, std::size_t skip) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 2);
  // execve takes char* for historical reasons only and changes nothing.
  for (std::size_t i = skip; i < strings.size(); ++i)
    pointers.push_back(const_cast<char*>(strings[i].c_str()));
  return pointers;
}

bool make_pipe(UniqueFd& reader, UniqueFd& writer) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  reader.reset(ends[0]);
  writer.reset(ends[1]);
  return true;
}

bool do_not_block(const UniqueFd& end) { return ::fcntl(end.get(), F_SETFL, O_NONBLOCK) == 0; }

}  // namespace

// What the child says if it does not get to run the program. It comes by a pipe
// that executing closes, and not by the shared memory of vfork, because thread
// sanitizers replace vfork by fork.
struct Spawner::Report {
  Stage stage = Stage::none;
  int error = 0;
};

// All that the child needs. It may only read this and make system calls.
struct Spawner::Plan {
  std::string file;
  std::vector<char*> argv;
  std::vector<char*> shell_argv;  // for a text file without "#!"
  char* const* env;
  const char* cwd;  // null: stay
  int in, out, err;
  int report;
  pid_t supervisor;
  const std::vector<int>* ignored_signals;
};

// Both ends of a command's pipes.
struct Spawner::Pipes {
  UniqueFd in_reader, in_writer, out_reader, out_writer, err_reader, err_writer;
  UniqueFd report_reader, report_writer;
};

Spawner::Spawner(const Environment::Variable& marker) : environment_(environ) {
  environment_.set(marker);
  null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null_) throw Error("cannot open /dev/null" + because(errno));
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      ignored_signals_.push_back(signal);
  }
}

bool Spawner::start(const Command& command, const Variables& task_env, Spawned& spawned,
                    SpawnFailure& failure) {
  if (std::string reason = why_not_a_command(command, task_env); !reason.empty()) {
    failure = {kCannotRun, std::move(reason)};
    return false;
  }
  Plan plan{};
  plan.env = environment_.with(command.env, task_env);
  Program program = find_program(command.argv.front(), environment_.value("PATH"), command.cwd);
  if (program.error != 0) {
    const bool missing = program.error == ENOENT;
    failure = {missing ? kNotFound : kCannotRun,
               (missing ? "not found: " : "permission denied: ") + command.argv.front()};
    return false;
  }
  plan.file = std::move(program.file);
  plan.argv = pointers_to(command.argv, 0);
  plan.argv.push_back(nullptr);
  plan.cwd = command.cwd.empty() ? nullptr : command.cwd.c_str();
  plan.supervisor = ::getpid();
  plan.ignored_signals = &ignored_signals_;
  static const std::string shell = "/bin/sh";
  plan.shell_argv = pointers_to(command.argv, 1);
  plan.shell_argv.insert(plan.shell_argv.begin(),
                         {const_cast<char*>(shell.c_str()), plan.file.data()});
  plan.shell_argv.push_back(nullptr);
  return launch(command, plan, spawned, failure);
}

bool Spawner::launch(const Command& command, Plan& plan, Spawned& spawned, SpawnFailure& failure) {
  Pipes pipes;
  const bool has_input = !command.input.empty();
  if (!make_pipe(pipes.out_reader, pipes.out_writer) || !do_not_block(pipes.out_reader) ||
      !make_pipe(pipes.err_reader, pipes.err_writer) || !do_not_block(pipes.err_reader) ||
      (has_input && !make_pipe(pipes.in_reader, pipes.in_writer)) ||
      (has_input && !do_not_block(pipes.in_writer)) ||
      !make_pipe(pipes.report_reader, pipes.report_writer)) {
    failure = {kCannotRun, cannot_start(command, "no pipe", errno)};
    return false;
  }
  std::size_t written = 0;
  if (has_input) {  // short input fits into the pipe and is never waited for
    const ssize_t n = ::write(pipes.in_writer.get(), command.input.data(), command.input.size());
    written = n > 0 ? static_cast<std::size_t>(n) : 0;
    if (written == command.input.size()) pipes.in_writer.reset();
  }
  plan.in = has_input ? pipes.in_reader.get() : null_.get();
  plan.out = pipes.out_writer.get();
  plan.err = pipes.err_writer.get();
  plan.report = pipes.report_writer.get();
  const pid_t pid = fork_and_exec(plan);
  if (pid < 0) {
    failure = {kCannotRun, cannot_start(command, "no process", errno)};
    return false;
  }
  pipes.in_reader.reset();
  pipes.out_writer.reset();
  pipes.err_writer.reset();
  pipes.report_writer.reset();
  const Report report = await_report(pipes.report_reader);
  if (report.stage != Stage::none) {
    ::waitpid(pid, nullptr, 0);  // it leaves right after its report
    failure = explain(report, command, plan);
    return false;
  }
  // Cannot meet EMFILE: some numbers have just become free.
  UniqueFd pidfd = open_pidfd(pid);
  if (!pidfd) {
    failure = {kCannotRun, cannot_start(command, "no pidfd", errno)};
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return false;
  }
  spawned.pid = pid;
  spawned.pidfd = std::move(pidfd);
  spawned.in = std::move(pipes.in_writer);
  spawned.out = std::move(pipes.out_reader);
  spawned.err = std::move(pipes.err_reader);
  spawned.input_written = written;
  return true;
}

// Waits until the child has executed the program, or has said why it cannot.
Spawner::Report Spawner::await_report(const UniqueFd& pipe) {
  Report report;
  ssize_t n = 0;
  do {
    n = ::read(pipe.get(), &report, sizeof report);
  } while (n < 0 && errno == EINTR);
  return n == static_cast<ssize_t>(sizeof report) ? report : Report();
}

// vfork and not posix_spawn, because posix_spawn cannot set PR_SET_PDEATHSIG,
// without which a killed supervisor would leave commands behind. And not fork,
// whose cost grows with the memory of the parent. The parent has one thread and
// is suspended until the child has executed, so sharing its memory is safe as
// long as the child makes system calls only. A program on a hung file system
// therefore suspends the supervisor too.
[[gnu::noinline]] pid_t Spawner::fork_and_exec(const Plan& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) become(plan);
  return pid;
}

[[gnu::noinline]] void Spawner::become(const Plan& plan) {
  const auto give_up = [&plan](Stage stage) {
    const Report report{stage, errno};
    // A pipe takes so little in one piece; if the reader is gone, so is the need.
    const ssize_t written = ::write(plan.report, &report, sizeof report);
    ::_exit(written > 0 ? kNotFound : kCannotRun);
  };
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (const int signal : *plan.ignored_signals) ::sigaction(signal, &standard, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
      ::sigprocmask(SIG_SETMASK, &none, nullptr) != 0)
    give_up(Stage::setup);
  // A supervisor that was killed before the prctl sends no signal any more.
  if (::getppid() != plan.supervisor) ::_exit(kNotFound);
  // The supervisor keeps 0, 1 and 2 open, so none of these is already in place.
  if (::dup2(plan.in, STDIN_FILENO) < 0 || ::dup2(plan.out, STDOUT_FILENO) < 0 ||
      ::dup2(plan.err, STDERR_FILENO) < 0)
    give_up(Stage::setup);
  if (plan.cwd != nullptr && ::chdir(plan.cwd) != 0) give_up(Stage::chdir);
  ::execve(plan.file.c_str(), plan.argv.data(), plan.env);
  if (errno == ENOEXEC) ::execve(plan.shell_argv[0], plan.shell_argv.data(), plan.env);
  give_up(Stage::exec);
  ::_exit(kNotFound);
}

SpawnFailure Spawner::explain(const Report& report, const Command& command, const Plan& plan) {
  const int error = report.error;
  const std::string& name = command.argv.front();
  switch (report.stage) {
    case Stage::chdir:
      return {kCannotRun, "cannot enter folder " + command.cwd + because(error)};
    case Stage::exec:
      break;
    default:
      return {kCannotRun, cannot_start(command, "no process group", error)};
  }
  if (error == ENOENT) {
    const bool relative = plan.file.front() != '/' && plan.cwd != nullptr;
    const std::string file = relative ? command.cwd + "/" + plan.file : plan.file;
    // The file is there, so what is missing is the program that its first line names.
    if (::access(file.c_str(), F_OK) == 0) return {kNotFound, "interpreter not found: " + name};
    return {kNotFound, "not found: " + name};
  }
  if (error == ENOTDIR) return {kNotFound, "not found: " + name};
  if (error == EACCES) return {kCannotRun, "permission denied: " + name};
  if (error == E2BIG) {
    const std::size_t bytes = total_bytes(plan.argv.data()) + total_bytes(plan.env);
    return {kCannotRun, "argument list too long: " + std::to_string(bytes) +
                            " bytes of arguments and environment for " + name};
  }
  return {kCannotRun, "cannot run " + name + because(error)};
}

}  // namespace sluice::exec
