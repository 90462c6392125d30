using Realms;

namespace Acceptance
{
    /// <summary>A normal class beside the measurements.</summary>
    public partial class Sensor : IRealmObject
    {
        [PrimaryKey, MapTo("_id")]
        public string Id { get; set; } = "";

        public string? Name { get; set; }
    }
}
