# Groups of the cluster, whatever they are, the owners of shared volumes, and the links of this node. Dot-sourced by
# Watari.HyperV.psm1. Running VMs are moved by role.ps1, never here.

# GroupType -> kind; names of groups are in the language of Windows. A shared volume (4) is no group to whoever moves
# it.
$script:GroupKinds = @{ 1 = 'core'; 2 = 'available-storage'; 111 = 'vm' }
$script:SharedVolumeGroup = 4

# ClusterNetworkInterfaceState.
$script:InterfaceUp = 3

# Bits per second; more is what an adapter says that does not know.
$script:LinkSpeedMost = 10000000000000

function Get-WatariGroup {
    <#
    .SYNOPSIS
    Lists every group of the cluster with its kind, state and owner.
    .EXAMPLE
    Get-WatariGroup | Where-Object owner -eq HV1
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    Invoke-Recorded {
        CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query 'SELECT Name, State, OwnerNode, GroupType, Priority FROM MSCluster_ResourceGroup'
    } | Where-Object { [int]$_.GroupType -ne $script:SharedVolumeGroup } | Sort-Object -Property { [string]$_.Name } | ForEach-Object {
        $kind = $script:GroupKinds[[int]$_.GroupType]
        if ($null -eq $kind) { $kind = 'other' }
        [pscustomobject][ordered]@{
            name     = [string]$_.Name
            kind     = $kind
            state    = Get-GroupState $_.State
            owner    = Get-NameOf $_.OwnerNode
            priority = [int]$_.Priority
        }
    }
}

# Bytes per second by the adapter's id; nothing where this Windows does not tell.
function Read-LinkSpeed {
    $speeds = @{}
    try {
        $adapters = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/StandardCimv2 -Query 'SELECT InterfaceGuid, Speed FROM MSFT_NetAdapter' })
    }
    catch { return $speeds }
    foreach ($adapter in $adapters) {
        $bits = Read-Property $adapter 'Speed'
        if ($null -eq $bits -or [double]$bits -le 0 -or [double]$bits -gt $script:LinkSpeedMost) { continue }
        $speeds[([string]$adapter.InterfaceGuid).Trim('{', '}')] = [long][Math]::Floor([double]$bits / 8)
    }
    $speeds
}

function Get-WatariLink {
    <#
    .SYNOPSIS
    Lists the interfaces of this node that are up on networks which live migration may use, with their speeds.
    .EXAMPLE
    Get-WatariLink
    #>
    [CmdletBinding()]
    param()
    $open = @(Get-WatariNetwork | Where-Object { $_.role -ne 'None' -and -not $_.excludedFromMigration } | ForEach-Object { $_.name })
    $own = [string](Invoke-Recorded { CimCmdlets\Get-CimInstance -ClassName Win32_OperatingSystem -Property CSName }).CSName
    $interfaces = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query 'SELECT Node, Network, AdapterId, State FROM MSCluster_NetworkInterface'
        } | Where-Object { (Get-NameOf $_.Node) -eq $own -and [long]$_.State -eq $script:InterfaceUp })
    $speeds = Read-LinkSpeed
    foreach ($interface in $interfaces) {
        $network = Get-NameOf $interface.Network
        if ($open -notcontains $network) { continue }
        [pscustomobject][ordered]@{
            network        = $network
            bytesPerSecond = $speeds[([string]$interface.AdapterId).Trim('{', '}')]
        }
    }
}

# ERROR_IO_PENDING is no failure: what was asked is under way.
function Invoke-PendingMove {
    param([scriptblock]$Move)
    try { [void](& $Move) }
    catch { if (-not (Test-ErrorCode $_ '0x800703E5')) { throw } }
}

# A group that is a VM which runs would be saved and restored: whoever wants that says so with Start-WatariMove.
function Assert-NotRunning {
    param($Group)
    if ([string]$Group.GroupType -ne 'VirtualMachine') { return }
    $running = @(Invoke-Recorded { $Group | FailoverClusters\Get-ClusterResource } |
            Where-Object { (Test-ResourceType $_ 'Virtual Machine') -and 'Offline', 'Failed' -notcontains [string]$_.State })
    if ($running.Count -eq 0) { return }
    throw (New-ModuleError -Id 'VmRunning' -Target $Group.Name -Message (
            "'$($Group.Name)' runs, so moving its group would save it."))
}

function Move-WatariGroup {
    <#
    .SYNOPSIS
    Moves a group that is not a running VM from one node to another and returns; Get-WatariGroup shows when it is there.
    .DESCRIPTION
    Does nothing when the group is not on the first node any more, or is Pending.
    .PARAMETER Group
    Name of the group.
    .PARAMETER From
    The node that it has to leave.
    .PARAMETER Node
    Name of the target node.
    .EXAMPLE
    Move-WatariGroup -Group 'Cluster Group' -From HV1 -Node HV2
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][string]$Group,
        [Parameter(Mandatory = $true)][string]$From,
        [Parameter(Mandatory = $true)][string]$Node
    )
    Invoke-InTurn -Of Move-WatariGroup -Work {
        Assert-Cluster
        # Listed and searched: a name may look like a wildcard.
        $found = @(Invoke-Recorded { FailoverClusters\Get-ClusterGroup } | Where-Object { [string]$_.Name -eq $Group })[0]
        if ($null -eq $found) {
            # ERROR_GROUP_NOT_FOUND
            throw (New-ModuleError -Id 'GroupMissing' -HResult '0x80071395' -Category ObjectNotFound -Target $Group -Message (
                    "The cluster has no group '$Group'."))
        }
        $to = Find-Node $Node
        $target = [string]$to.Name
        $owner = Get-NameOf $found.OwnerNode
        if ($owner -ne $From -or $owner -eq $target -or [string]$found.State -eq 'Pending') { return [pscustomobject]@{ changed = $false } }
        Assert-NodeUp $to
        Assert-NotRunning $found
        Invoke-PendingMove { Invoke-Recorded { $found | FailoverClusters\Move-ClusterGroup -Node $target -Wait 0 } }
        [pscustomobject]@{ changed = $true }
    }
}

function Move-WatariSharedVolume {
    <#
    .SYNOPSIS
    Gives a cluster shared volume another owner; every node goes on using it meanwhile.
    .DESCRIPTION
    Does nothing when the first node does not own it any more.
    .PARAMETER Volume
    Name of the volume as the cluster has it.
    .PARAMETER From
    The node that owns it now.
    .PARAMETER Node
    Name of the node that shall own it.
    .EXAMPLE
    Move-WatariSharedVolume -Volume 'Cluster Virtual Disk (Volume1)' -From HV1 -Node HV2
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][string]$Volume,
        [Parameter(Mandatory = $true)][string]$From,
        [Parameter(Mandatory = $true)][string]$Node
    )
    Invoke-InTurn -Of Move-WatariSharedVolume -Work {
        Assert-Cluster
        $found = @(Invoke-Recorded { FailoverClusters\Get-ClusterSharedVolume } | Where-Object { [string]$_.Name -eq $Volume })[0]
        if ($null -eq $found) {
            # ERROR_RESOURCE_NOT_FOUND
            throw (New-ModuleError -Id 'GroupMissing' -HResult '0x8007138F' -Category ObjectNotFound -Target $Volume -Message (
                    "The cluster has no shared volume '$Volume'."))
        }
        $to = Find-Node $Node
        $target = [string]$to.Name
        $owner = Get-NameOf $found.OwnerNode
        if ($owner -ne $From -or $owner -eq $target) { return [pscustomobject]@{ changed = $false } }
        Assert-NodeUp $to
        Invoke-PendingMove { Invoke-Recorded { $found | FailoverClusters\Move-ClusterSharedVolume -Node $target -Wait 0 } }
        [pscustomobject]@{ changed = $true }
    }
}
