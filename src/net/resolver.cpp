// resolver.cpp: getaddrinfo in a thread of its own.
// SPDX-License-Identifier: MIT
#include "net/resolver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/assert.hpp"
#include "exec/unique_fd.hpp"
#include "net/signals.hpp"
#include "sluice/error.hpp"

namespace sluice::net {
namespace {

struct AddressList {
  addrinfo* first = nullptr;
  ~AddressList() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
};

std::string unknown_host(const std::string& host, const std::string& why) {
  return "cannot find the address of " + host + ": " + why +
         "; check the name (getent hosts " + host + ") or give an IP address";
}

}  // namespace

Resolution resolve(const Endpoint& endpoint) {
  Resolution result;
  if (endpoint.is_literal()) {
    result.endpoints.push_back(endpoint);
    return result;
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  AddressList found;
  const int rc = ::getaddrinfo(endpoint.host.c_str(), nullptr, &hints, &found.first);
  if (rc != 0) {
    const char* const why = rc == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(rc);
    result.error = unknown_host(endpoint.host, why);
    return result;
  }
  for (const addrinfo* a = found.first; a != nullptr; a = a->ai_next) {
    std::array<char, NI_MAXHOST> literal{};
    if (::getnameinfo(a->ai_addr, a->ai_addrlen, literal.data(), literal.size(), nullptr, 0,
                      NI_NUMERICHOST) != 0) {
      continue;
    }
    Endpoint candidate = endpoint.with_host(literal.data());
    const auto& have = result.endpoints;
    if (std::find(have.begin(), have.end(), candidate) == have.end()) {
      result.endpoints.push_back(std::move(candidate));
    }
  }
  // libzmq tries one address only, for seconds. A name binds to IPv4 here (see try_bind), so
  // IPv4 is the better first guess, above all for localhost.
  std::stable_partition(result.endpoints.begin(), result.endpoints.end(),
                        [](const Endpoint& e) { return !e.is_ipv6(); });
  if (result.endpoints.empty()) {
    result.error = unknown_host(endpoint.host, "it has none that ZeroMQ can use");
  }
  return result;
}

// Shared by the resolver and the thread that looks up; whoever is last frees it.
struct Resolver::Job {
  exec::UniqueFd done;
  std::mutex mutex;
  std::optional<Resolution> result;

  void finish(Resolution resolution) {
    {
      const std::lock_guard lock(mutex);
      result = std::move(resolution);
    }
    const std::uint64_t one = 1;
    // A fresh eventfd takes one write; nothing but a signal can be in the way.
    while (::write(done.get(), &one, sizeof one) < 0) SLUICE_ASSERT(errno == EINTR);
  }
};

Resolver::Resolver() = default;
Resolver::~Resolver() = default;
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;

void Resolver::start(const Endpoint& endpoint) {
  auto job = std::make_shared<Job>();
  job->done.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!job->done) {
    throw Error("cannot look up " + endpoint.host + ": " + std::strerror(errno) +
                "; raise the limit of open files (ulimit -n)");
  }
  if (endpoint.is_literal()) {
    job->finish(resolve(endpoint));
  } else {
    try {
      const SignalsBlocked blocked;
      std::thread([job, endpoint] { job->finish(resolve(endpoint)); }).detach();
    } catch (const std::system_error& error) {
      job->finish({{}, unknown_host(endpoint.host, error.what())});
    }
  }
  job_ = std::move(job);
}

std::optional<Resolution> Resolver::take() {
  if (!job_) return std::nullopt;
  std::optional<Resolution> result;
  {
    const std::lock_guard lock(job_->mutex);
    result = std::move(job_->result);
  }
  if (result) job_.reset();
  return result;
}

int Resolver::fd() const { return job_ ? job_->done.get() : -1; }

}  // namespace sluice::net
