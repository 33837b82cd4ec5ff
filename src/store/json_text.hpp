// json_text.hpp: any bytes as a JSON string, appended fast.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sluice::store {

/// Appends `text` in quotes. A byte that is not part of UTF-8 becomes U+FFFD; false if
/// there was one, so that the caller can add the exact bytes as base64.
bool append_json_string(std::string& out, std::string_view text);

/// Appends the bytes as base64 (RFC 4648, with padding) in quotes.
void append_base64(std::string& out, std::string_view bytes);

/// True if all of it is UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace sluice::store
