// client.cpp: the public Client: what is refused at once, and errors that name the cure.
// SPDX-License-Identifier: MIT
#include <sluice/client.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

#include "net/address_list.hpp"
#include "net/client_loop.hpp"
#include "net/promised_outcome.hpp"
#include "net/task_check.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace sluice {
namespace {

constexpr std::size_t kCancelsPerMessage = 4096;
constexpr std::chrono::milliseconds kLongestCall = std::chrono::hours(24 * 365);

ClientOptions checked(ClientOptions options) {
  if (!wire::valid_name(options.name))
    throw Error("a client's name must be UTF-8 of at most 128 bytes");
  if (options.max_unconfirmed == 0 || options.max_unconfirmed_bytes == 0)
    throw Error("the limits of unconfirmed tasks and bytes must not be zero");
  if (options.max_awaited == 0) throw Error("the limit of awaited outcomes must not be zero");
  if (options.connect.empty()) {
    options.access_file = Access::find(options.access_file);
    options.connect = net::addresses_of(Access::load(options.access_file));
  }
  return options;
}

// "the access file F, written 3 h 12 min ago by process 17 on head": so that people see at a
// glance whether the file is an old one.
std::string origin(const std::string& path) {
  if (path.empty()) return "";
  try {
    const Access access = Access::load(path);
    return " (from the access file " + path + ", written " + access.age() + " ago by process " +
           std::to_string(access.pid) + " on " + access.host + ")";
  } catch (const Error& error) {
    return " (" + std::string(error.what()) + ")";
  }
}

std::string no_answer(const ClientOptions& options, const std::string& trouble) {
  return "no ventilator answers at " + options.connect + origin(options.access_file) + " within " +
         std::to_string(options.connect_timeout.count()) + " ms" +
         (trouble.empty() ? "" : ": " + trouble) +
         "; check that it runs, and that this host can reach that address";
}

[[noreturn]] void throw_unanswered(core::Code code, const std::string& what,
                                   std::chrono::milliseconds timeout, const std::string& text) {
  switch (code) {
    case core::Code::expired:
      throw Error("the ventilator did not answer " + what + " within " +
                  std::to_string(timeout.count()) + " ms");
    case core::Code::unknown_session:
      throw Error("the connection broke before the ventilator answered " + what +
                  "; it may have heard it: look, and ask again");
    case core::Code::busy:
      throw Error("too many questions are open: wait for answers before asking more");
    default:
      throw Error("the ventilator refused " + what + (text.empty() ? "" : ": " + text));
  }
}

}  // namespace

class SLUICE_LOCAL Client::Impl {
 public:
  Impl(const ClientOptions& options, OnConfirm on_confirm) : loop(options, std::move(on_confirm)) {}

  [[noreturn]] void throw_ended() const {
    loop.rethrow_failure();
    throw Error("the client was stopped");
  }

  std::optional<std::uint64_t> put(const Task& task, OnOutcome on_outcome,
                                   net::ClientInbox::Deadline deadline);

  net::ClientLoop loop;
};

Client::Client(ClientOptions options, OnConfirm on_confirm) {
  options = checked(std::move(options));
  impl_ = std::make_unique<Impl>(options, std::move(on_confirm));
  if (impl_->loop.wait_connected(options.connect_timeout)) return;
  impl_->loop.rethrow_failure();
  throw Error(no_answer(options, impl_->loop.session().trouble));
}

Client::~Client() = default;

// The ticket; nullopt if there was no room in time.
std::optional<std::uint64_t> Client::Impl::put(const Task& task, OnOutcome on_outcome,
                                               net::ClientInbox::Deadline deadline) {
  net::check_task(task, loop.max_payload());
  const auto ticket = loop.inbox().put(task, std::move(on_outcome), deadline);
  if (ticket == std::uint64_t{0}) throw_ended();
  if (ticket) loop.wake();
  return ticket;
}

std::uint64_t Client::post(const Task& task) {
  return *impl_->put(task, {}, net::ClientInbox::kWait);
}

std::future<Outcome> Client::submit(const Task& task) {
  net::PromisedOutcome promised;
  submit(task, std::move(promised.callback));
  return std::move(promised.future);
}

std::uint64_t Client::submit(const Task& task, OnOutcome on_outcome) {
  if (!on_outcome) throw Error("submit() needs a callback; to wait for nothing there is post()");
  return *impl_->put(task, std::move(on_outcome), net::ClientInbox::kWait);
}

std::optional<std::uint64_t> Client::try_submit(const Task& task, OnOutcome on_outcome) {
  if (!on_outcome) throw Error("try_submit() needs a callback");
  return impl_->put(task, std::move(on_outcome), net::ClientInbox::kNoWait);
}

Outcome Client::call(const Task& task, std::chrono::milliseconds timeout) {
  if (impl_->loop.inbox().is_loops_thread())
    throw Error("call() would wait for ever in a callback: submit() there");
  const auto deadline = std::chrono::steady_clock::now() + std::min(timeout, kLongestCall);
  net::PromisedOutcome promised;
  const auto ticket = impl_->put(task, std::move(promised.callback), deadline);
  if (ticket && promised.future.wait_until(deadline) == std::future_status::ready)
    return promised.future.get();
  if (ticket) impl_->loop.forget(*ticket);
  Outcome late;
  late.id.log = log();
  late.status = Status::unknown;
  late.type = task.type;
  late.key = task.key;
  late.error = "no outcome came within " + std::to_string(timeout.count()) + " ms" +
               (ticket ? "" : ": there was no room for it");
  return late;
}

bool Client::wait_confirmed(std::chrono::milliseconds timeout) {
  if (impl_->loop.inbox().is_loops_thread())
    throw Error("wait_confirmed() would wait for ever in a callback: call it on another thread");
  const bool all = impl_->loop.inbox().wait_answered(timeout);
  if (!all) impl_->loop.rethrow_failure();
  return all;
}

std::uint64_t Client::unconfirmed() const { return impl_->loop.inbox().unanswered(); }

std::uint64_t Client::awaited() const { return impl_->loop.inbox().awaited(); }

std::string Client::query(std::string_view verb, const std::vector<std::string>& args,
                          std::chrono::milliseconds timeout) {
  if (verb.empty() || !wire::valid_name(verb))
    throw Error("a query's verb must be UTF-8 of 1 to 128 bytes");
  if (args.size() > wire::kMaxQueryArgs)
    throw Error("a query takes at most " + std::to_string(wire::kMaxQueryArgs) + " arguments");
  core::QueryAnswer answer = impl_->loop.query({std::string(verb), args}, timeout);
  if (answer.code != core::Code::ok)
    throw_unanswered(answer.code, "\"" + std::string(verb) + "\"", timeout, answer.json);
  return std::move(answer.json);
}

std::vector<bool> Client::cancel(const std::vector<std::uint64_t>& seqs,
                                 std::chrono::milliseconds timeout) {
  std::vector<bool> known;
  known.reserve(seqs.size());
  for (std::size_t done = 0; done < seqs.size(); done += kCancelsPerMessage) {
    std::vector<core::Seq> part;
    for (std::size_t i = done; i < std::min(done + kCancelsPerMessage, seqs.size()); ++i)
      part.push_back(static_cast<core::Seq>(seqs[i]));
    const core::CancelDone answer = impl_->loop.cancel(part, timeout);
    if (answer.code != core::Code::ok) throw_unanswered(answer.code, "a cancel", timeout, {});
    // Answered in the order asked; an answer that is not there means no.
    for (std::size_t i = 0; i < part.size(); ++i)
      known.push_back(i < answer.answers.size() && answer.answers[i].seq == part[i] &&
                      answer.answers[i].code == core::Code::ok);
  }
  return known;
}

std::array<std::uint8_t, 16> Client::log() const { return impl_->loop.session().log; }

bool Client::durable() const { return impl_->loop.session().durable; }

}  // namespace sluice
