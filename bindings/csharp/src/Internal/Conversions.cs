namespace Realms;

/// <summary>Time and identifiers between .NET and the wire: seconds with nanoseconds, bytes as printed.</summary>
internal static class Conversions
{
    public static DateTimeOffset FromTimestamp(AtollTimestamp value)
        => DateTimeOffset.UnixEpoch.AddTicks(checked(value.Seconds * TimeSpan.TicksPerSecond) + (value.Nanoseconds / 100));

    public static AtollTimestamp ToTimestamp(DateTimeOffset value) => ToTimestamp(value.UtcTicks);

    public static AtollTimestamp ToTimestamp(long utcTicks)
    {
        var seconds = Math.DivRem(utcTicks - DateTimeOffset.UnixEpoch.Ticks, TimeSpan.TicksPerSecond, out var rest);
        if (rest < 0)
        {
            // The nanoseconds count upwards from the second, before 1970 too.
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }

        return new AtollTimestamp(seconds, (int)rest * 100);
    }

    public static Guid ToGuid(ReadOnlySpan<byte> bytes) => new(bytes, true);

    public static void CopyTo(Guid value, Span<byte> bytes) => value.TryWriteBytes(bytes, true, out _);
}
