// client.cpp: the public Client: what is refused at once, and errors that name the cure.
// SPDX-License-Identifier: MIT
#include <sluice/client.hpp>

#include <algorithm>
#include <utility>

#include <sluice/access.hpp>
#include <sluice/error.hpp>

#include "net/client_loop.hpp"
#include "wire/codec.hpp"
#include "wire/limits.hpp"

namespace sluice {
namespace {

constexpr std::size_t kCancelsPerMessage = 4096;

const ClientOptions& checked(const ClientOptions& options) {
  if (!wire::valid_name(options.name))
    throw Error("a client's name must be UTF-8 of at most 128 bytes");
  if (options.max_unconfirmed == 0 || options.max_unconfirmed_bytes == 0)
    throw Error("the limits of unconfirmed tasks and bytes must not be zero");
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

  net::ClientLoop loop;
};

Client::Client(ClientOptions options, OnConfirm on_confirm)
    : impl_(std::make_unique<Impl>(checked(options), std::move(on_confirm))) {
  if (impl_->loop.wait_connected(options.connect_timeout)) return;
  impl_->loop.rethrow_failure();
  throw Error(no_answer(options, impl_->loop.session().trouble));
}

Client::~Client() = default;

std::uint64_t Client::submit(const Task& task) {
  if (task.type.empty() || !wire::valid_name(task.type))
    throw Error("a task's type must be UTF-8 of 1 to 128 bytes");
  if (!wire::valid_name(task.key)) throw Error("a task's key must be UTF-8 of at most 128 bytes");
  const std::uint64_t most = impl_->loop.max_payload();
  if (task.payload.size() > most)
    throw Error("a payload of " + std::to_string(task.payload.size()) +
                " bytes is too large: this ventilator takes " + std::to_string(most) +
                "; pass a reference to the data instead");
  const std::uint64_t ticket = impl_->loop.inbox().put(task);
  if (ticket == 0) impl_->throw_ended();
  impl_->loop.wake();
  return ticket;
}

bool Client::wait_confirmed(std::chrono::milliseconds timeout) {
  const bool all = impl_->loop.inbox().wait_answered(timeout);
  if (!all) impl_->loop.rethrow_failure();
  return all;
}

std::uint64_t Client::unconfirmed() const { return impl_->loop.inbox().unanswered(); }

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
    if (answer.code != core::Code::ok)
      throw_unanswered(answer.code, "a cancel", timeout, {});
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
