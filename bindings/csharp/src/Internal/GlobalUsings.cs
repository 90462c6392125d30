// The low level also has an exception class for each status; naming only what is used keeps those out of sight.
global using AtollTimestamp = Atoll.Native.AtollTimestamp;
global using NativeConstants = Atoll.Native.NativeConstants;
global using NativeError = Atoll.Native.NativeError;
global using NativeMethods = Atoll.Native.NativeMethods;
global using NativeStatus = Atoll.Native.NativeStatus;
