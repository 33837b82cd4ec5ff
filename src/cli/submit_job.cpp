// submit_job.cpp: the loop of `sluice submit`: hand over what there is room for, print what comes.
// SPDX-License-Identifier: MIT
#include "cli/submit_job.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/exit_code.hpp"
#include "cli/jsonl_tasks.hpp"
#include "cli/submission.hpp"
#include "cli/terminal.hpp"
#include "net/address_list.hpp"
#include "net/outcome_text.hpp"
#include "sluice/error.hpp"

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Waiting for room is done here rather than in Client::post(), so that it can be told and ended.
constexpr std::uint64_t kWindow = 32'768;
constexpr std::uint64_t kAwaitWindow = 16'384;
// Of outcomes that are awaited or unprinted, if they are like those that came.
constexpr std::uint64_t kAwaitBytes = std::uint64_t{256} << 20;
constexpr int kSubmitsPerTurn = 256;
constexpr auto kTick = milliseconds(20);
constexpr auto kPrintTick = milliseconds(100);
constexpr auto kAskAfter = std::chrono::seconds(2);
constexpr auto kAnswerTime = milliseconds(2000);
constexpr auto kConfirmTime = std::chrono::seconds(5);  // after ^C

void let_signals_kill() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

std::unique_ptr<TaskSource> source_of(const SubmitArguments& arguments) {
  if (arguments.jsonl.empty()) return std::make_unique<Submission>(arguments.submission);
  return std::make_unique<JsonlTasks>(arguments.jsonl, arguments.submission);
}

}  // namespace

SubmitJob::SubmitJob(const SubmitArguments& arguments)
    : arguments_(arguments),
      signals_(read_stop_signals()),
      source_(source_of(arguments)),
      access_(load()),
      outcomes_(arguments.output),
      client_(client_options(), [this](const Confirmation& c) {
        using Kind = Confirmation::Kind;
        ++(c.kind == Kind::taken       ? counts_.taken
           : c.kind == Kind::duplicate ? counts_.known
                                       : counts_.refused);
        if (ids_) ids_->add(c);
      }) {
  if (!arguments_.wait) ids_.emplace(arguments_.output);
  if (arguments_.bar) progress_.emplace(progress_on(2, ProgressOptions::Style::bar));
  if (arguments_.wait) printing_ = std::thread([this] { print_outcomes(); });
}

SubmitJob::~SubmitJob() {
  no_more_to_print_ = true;
  if (printing_.joinable()) printing_.join();
}

Access SubmitJob::load() {
  path_ = Access::find(arguments_.access);
  Access access = Access::load(path_);
  for (const std::string& warning : access.warnings)
    std::cerr << "sluice submit: warning: " << warning << '\n';
  return access;
}

ClientOptions SubmitJob::client_options() const {
  ClientOptions options;
  options.connect = net::addresses_of(access_);
  options.access_file = path_;
  options.reconnect_timeout = std::chrono::milliseconds(0);  // it says what it waits for
  options.connect_timeout = arguments_.connect_timeout;
  options.max_unconfirmed = kWindow * 2;
  options.max_unconfirmed_bytes = std::uint64_t{1} << 30;
  return options;
}

int SubmitJob::run() {
  const bool from_stdin = arguments_.jsonl.empty() ? arguments_.submission.sources.empty() &&
                                                         arguments_.submission.array.empty()
                                                   : arguments_.jsonl == "-";
  if (from_stdin && is_terminal(0))
    std::cerr << "sluice submit: reading from the terminal, one task a line; end with ^D\n";
  moved_ = steady_clock::now();
  loop();
  return finish();
}

void SubmitJob::loop() {
  while (true) {
    submit_some();
    if (is_done()) return;
    wait();
    take_signals();
    look_after_waiting();
    show_progress();
  }
}

bool SubmitJob::may_submit() {
  if (ended_ || waits_for_input_ || client_.unconfirmed() >= kWindow) return false;
  if (!arguments_.wait) return ids_->has_room();
  const std::uint64_t came = came_.load(), open = source_->given() - outcomes_.printed();
  const std::uint64_t each = came == 0 ? 0 : came_bytes_.load() / came;
  return open < kAwaitWindow && open * each < kAwaitBytes;
}

void SubmitJob::submit_some() {
  Task task;
  for (int i = 0; i < kSubmitsPerTurn && may_submit(); ++i) {
    Ready ready = Ready::end;
    try {
      ready = source_->try_next(task);
    } catch (const Error& error) {  // what was handed over is still to be confirmed
      bad_input_ = error.what();
    }
    if (ready == Ready::yes) hand_over(task);
    if (ready == Ready::wait) waits_for_input_ = true;
    if (ready == Ready::end) ended_ = true;
  }
}

void SubmitJob::hand_over(const Task& task) {
  if (!arguments_.wait) {
    static_cast<void>(client_.post(task));
    return;
  }
  client_.submit(task, [this](const Outcome& outcome) {
    came_bytes_ += outcome.result.size() + outcome.error.size();
    ++came_;
    queue_.push_anyway(outcome);
  });
}

bool SubmitJob::is_done() {
  if (reader_gone_) return true;  // nobody wants to see any more
  if (!ended_) return false;
  if (stop_signal_ != 0) return client_.unconfirmed() == 0 || steady_clock::now() >= give_up_at_;
  return arguments_.wait ? outcomes_.printed() == source_->given() : client_.unconfirmed() == 0;
}

void SubmitJob::wait() {
  if (may_submit()) return;
  if (ended_ && !arguments_.wait) {
    static_cast<void>(client_.wait_confirmed(kTick));
    return;
  }
  pollfd fds[2] = {{signals_.fd(), POLLIN, 0}, {-1, POLLIN, 0}};
  const bool input = waits_for_input_ && !ended_;
  if (input) fds[1].fd = source_->fd();
  const bool at_once = input && fds[1].fd < 0;
  if (::poll(fds, 2, at_once ? 0 : static_cast<int>(kTick.count())) < 0 && errno != EINTR)
    throw Error(std::string("cannot wait for input: ") + std::strerror(errno));
  if (input && (at_once || fds[1].revents != 0)) waits_for_input_ = false;
}

void SubmitJob::take_signals() {
  while (const auto signal = signals_.next()) {
    if (stop_signal_ == 0) let_signals_kill();  // the next one: whoever sends it cannot wait
    give_up_at_ = steady_clock::now() + kConfirmTime;
    stop_signal_ = *signal;
    ended_ = true;
  }
}

void SubmitJob::print_outcomes() try {
  while (true) {
    pollfd queue{queue_.fd(), POLLIN, 0};
    static_cast<void>(::poll(&queue, 1, static_cast<int>(kPrintTick.count())));
    const bool last = no_more_to_print_;
    queue_.reset();
    while (const auto outcome = queue_.pop()) {
      const std::scoped_lock lock(terminal_);
      if (progress_) progress_->clear();
      if (!reader_gone_ && !outcomes_.print(*outcome)) reader_gone_ = true;
    }
    if (last) return;
  }
} catch (...) {
  const std::scoped_lock lock(failure_mutex_);
  print_failure_ = std::current_exception();
  reader_gone_ = true;
}

void SubmitJob::end_printing() {
  no_more_to_print_ = true;
  if (printing_.joinable()) printing_.join();
  const std::scoped_lock lock(failure_mutex_);
  if (print_failure_) std::rethrow_exception(print_failure_);
}

// A full ventilator may rightly take none for hours, so this has no deadline; but it says what
// it waits for, and ends when nothing can come of it.
void SubmitJob::look_after_waiting() {
  const std::uint64_t left = client_.unconfirmed();
  const auto now = steady_clock::now();
  if (left != left_ || left == 0) moved_ = now;
  left_ = left;
  if (now - moved_ < kAskAfter || stop_signal_ != 0) return;
  const std::string why = why_it_waits(left);
  if (why != told_)
    std::cerr << "sluice submit: waiting for " << left << " tasks to be taken: " << why << '\n';
  told_ = why;
  moved_ = steady_clock::now();
}

// Throws if it waits for nothing.
std::string SubmitJob::why_it_waits(std::uint64_t left) {
  nlohmann::json status;
  const std::string given = std::to_string(source_->given());
  try {
    status = nlohmann::json::parse(client_.query("status", {}, kAnswerTime), nullptr, false);
  } catch (const Error&) {
    if (access_.process_is_gone())
      throw Error("the ventilator has died; of " + given + " tasks it did not confirm " +
                  std::to_string(left));
    return "the ventilator cannot be reached";
  }
  if (status.value("draining", false))
    throw Error("the ventilator is draining and takes no more tasks; of " + given +
                " it did not take " + std::to_string(left) + ": submit to another one");
  return "the ventilator is full, until workers have settled some";
}

void SubmitJob::show_progress() {
  const std::unique_lock lock(terminal_, std::try_to_lock);
  if (!progress_ || !lock) return;
  ProgressCounts counts;
  const std::uint64_t given = source_->given();
  counts.done = arguments_.wait ? outcomes_.printed() : given - client_.unconfirmed();
  counts.failed = arguments_.wait ? outcomes_.failed() : counts_.refused.load();
  counts.running = given - counts.done;
  if (ended_) counts.total = given;
  progress_->update(counts, steady_clock::now());
}

int SubmitJob::finish() {
  const std::uint64_t unconfirmed = client_.unconfirmed();
  if (stop_signal_ == 0) end_printing();
  if (progress_) progress_->clear();
  if (ids_) static_cast<void>(ids_->finish());
  if (stop_signal_ != 0) {
    tell_interrupted(unconfirmed);
    return 128 + stop_signal_;
  }
  if (!bad_input_.empty()) {
    tell_bad_input();
    return kExitOwnError;
  }
  if (reader_gone_ && arguments_.wait) return 128 + SIGPIPE;
  if (source_->given() == 0)
    std::cerr << "sluice submit: the input was empty, so there was no task to submit\n";
  else if (arguments_.output == OutputMode::text)
    std::cerr << summary() << '\n';
  return exit_code_for_failures(arguments_.wait ? outcomes_.failed() : counts_.refused.load());
}

void SubmitJob::tell_interrupted(std::uint64_t unconfirmed) const {
  const std::uint64_t given = source_->given();
  std::cerr << "sluice submit: interrupted; of the first " << given << " tasks "
            << counts_.taken + counts_.known << " are taken";
  if (counts_.refused > 0) std::cerr << ", " << counts_.refused << " were refused";
  if (unconfirmed > 0) std::cerr << ", of " << unconfirmed << " it is not known";
  if (arguments_.wait) std::cerr << "; " << outcomes_.printed() << " outcomes were printed";
  std::cerr << ".\n";
  if (arguments_.submission.key == kAutomaticKey)
    std::cerr << "sluice submit: to go on, run the same again with the same input within ten "
                 "minutes: what is taken is known by its key\n";
  else if (unconfirmed == 0)
    std::cerr << "sluice submit: to go on, begin with task " << given + 1
              << " of the input (tail -n +" << given + 1
              << "); with --key auto it could be run again just so\n";
  else
    std::cerr << "sluice submit: with keys (--key auto) it could be run again without taking "
                 "any task twice\n";
}

void SubmitJob::tell_bad_input() const {
  std::cerr << "sluice submit: " << bad_input_ << '\n';
  if (source_->given() > 0)
    std::cerr << "sluice submit: the " << source_->given() << " tasks before it were handed over ("
              << counts_.taken + counts_.known
              << " taken): go on behind them, or run all again with --key auto\n";
}

std::string SubmitJob::summary() const {
  const std::uint64_t taken = counts_.taken;
  std::string text =
      "sluice submit: " + std::to_string(taken) + (taken == 1 ? " task taken" : " tasks taken");
  if (counts_.known > 0)
    text += ", " + std::to_string(counts_.known) + " known already by their keys";
  if (counts_.refused > 0) text += ", " + std::to_string(counts_.refused) + " refused";
  if (arguments_.wait)
    text += ", " + std::to_string(outcomes_.printed() - outcomes_.failed()) + " done";
  if (arguments_.wait && outcomes_.failed() > 0)
    text += ", " + std::to_string(outcomes_.failed()) + " not done";
  return text;
}

}  // namespace sluice::cli
