using System.Globalization;

namespace Realms;

/// <summary>A place on earth in degrees: latitude from -90 to 90, longitude from -180 to 180.</summary>
public readonly struct GeoPoint : IEquatable<GeoPoint>
{
    /// <summary>Errors: ArgumentException outside of these ranges.</summary>
    public GeoPoint(double latitude, double longitude)
    {
        if (!(Math.Abs(latitude) <= 90))
        {
            throw new ArgumentException($"A latitude is from -90 to 90, not {latitude}.", nameof(latitude));
        }

        if (!(Math.Abs(longitude) <= 180))
        {
            throw new ArgumentException($"A longitude is from -180 to 180, not {longitude}.", nameof(longitude));
        }

        Latitude = latitude;
        Longitude = longitude;
    }

    public double Latitude { get; }

    public double Longitude { get; }

    public bool Equals(GeoPoint other) => Latitude == other.Latitude && Longitude == other.Longitude;

    public override bool Equals(object? obj) => obj is GeoPoint other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Latitude, Longitude);

    /// <summary>Longitude first, as queries have it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[{Longitude}, {Latitude}]");

    public static bool operator ==(GeoPoint left, GeoPoint right) => left.Equals(right);

    public static bool operator !=(GeoPoint left, GeoPoint right) => !left.Equals(right);

    public static implicit operator GeoPoint((double Latitude, double Longitude) tuple) => new(tuple.Latitude, tuple.Longitude);
}

/// <summary>A distance on the surface of the earth.</summary>
public readonly struct Distance
{
    private const double EarthRadiusMeters = 6378100.0;
    private const double MetersPerMile = 1609.344;

    private Distance(double radians)
    {
        if (!(radians >= 0))
        {
            throw new ArgumentException($"A distance is not less than zero: {radians} radians.", nameof(radians));
        }

        Radians = radians;
    }

    public double Radians { get; }

    public static Distance FromKilometers(double kilometers) => new(kilometers * 1000 / EarthRadiusMeters);

    public static Distance FromMiles(double miles) => new(miles * MetersPerMile / EarthRadiusMeters);

    public static Distance FromDegrees(double degrees) => new(degrees * Math.PI / 180);

    public static Distance FromRadians(double radians) => new(radians);
}

/// <summary>A shape that a query looks for points in. It is an argument of queries, never stored.</summary>
public abstract class GeoShapeBase
{
    private protected GeoShapeBase()
    {
    }
}

/// <summary>All points up to a distance from a centre.</summary>
public class GeoCircle : GeoShapeBase
{
    /// <summary>Errors: ArgumentException for a negative radius.</summary>
    public GeoCircle(GeoPoint center, double radiusInRadians)
        : this(center, Distance.FromRadians(radiusInRadians))
    {
    }

    public GeoCircle(GeoPoint center, Distance radius)
    {
        Center = center;
        Radius = radius.Radians;
    }

    public GeoPoint Center { get; }

    /// <summary>In radians.</summary>
    public double Radius { get; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"geoCircle({Center}, {Radius})");
}

/// <summary>All points between two parallels and two meridians.</summary>
public class GeoBox : GeoShapeBase
{
    public GeoBox(GeoPoint bottomLeftCorner, GeoPoint topRightCorner)
    {
        Left = bottomLeftCorner.Longitude;
        Bottom = bottomLeftCorner.Latitude;
        Right = topRightCorner.Longitude;
        Top = topRightCorner.Latitude;
    }

    /// <summary>Errors: ArgumentException for what is no latitude or longitude.</summary>
    public GeoBox(double left, double top, double right, double bottom)
        : this(new GeoPoint(bottom, left), new GeoPoint(top, right))
    {
    }

    public double Left { get; }

    public double Top { get; }

    public double Right { get; }

    public double Bottom { get; }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"geoBox([{Left}, {Bottom}], [{Right}, {Top}])");
}

/// <summary>All points inside a ring and outside of its holes. A ring ends with the point that it begins with.</summary>
public class GeoPolygon : GeoShapeBase
{
    /// <summary>Errors: ArgumentException for a ring that is not closed or of fewer than three different points.</summary>
    public GeoPolygon(params GeoPoint[] outerRing)
        : this((IEnumerable<GeoPoint>)outerRing)
    {
    }

    /// <summary>Errors: as of the other constructor, for each ring.</summary>
    public GeoPolygon(IEnumerable<GeoPoint> outerRing, params IEnumerable<GeoPoint>[] holes)
    {
        OuterRing = Check(outerRing);
        Holes = [.. holes.Select(Check)];
    }

    public IReadOnlyList<GeoPoint> OuterRing { get; }

    public IReadOnlyList<IReadOnlyList<GeoPoint>> Holes { get; }

    public override string ToString() => $"geoPolygon({string.Join(", ", Holes.Prepend(OuterRing).Select(ring => $"{{{string.Join(", ", ring)}}}"))})";

    private static IReadOnlyList<GeoPoint> Check(IEnumerable<GeoPoint> ring)
    {
        ArgumentNullException.ThrowIfNull(ring);
        GeoPoint[] points = [.. ring];
        return points.Length > 0 && points[0] == points[^1] && points.Distinct().Count() >= 3
            ? points
            : throw new ArgumentException("A ring has three different points at least and ends with the one that it begins with.", nameof(ring));
    }
}
