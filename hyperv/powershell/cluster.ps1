# The cluster as this node sees it: settings, quorum, nodes, networks, shared volumes. Dot-sourced by
# Watari.HyperV.psm1.

# Resource type of the witness -> kind. The file share witness of a workgroup cluster is a router's USB stick.
$script:WitnessKinds = @{ 'Physical Disk' = 'Disk'; 'Cloud Witness' = 'Cloud'; 'File Share Witness' = 'Usb' }

# CLUSTER_SHARED_VOLUME_STATE of a node that cannot use the volume now. Redirected is slower and works; on ReFS over
# Storage Spaces Direct it is how a healthy volume looks.
$script:PausedVolume = @('Paused', 'Unavailable')

# MSCluster_AffinityRule.RuleType.
$script:RuleTypes = @('Unknown', 'SameFaultDomain', 'SameNode', 'DifferentFaultDomain', 'DifferentNode')

# Rules that are switched on; none where this Windows has no such class or does not tell.
function Read-AffinityRule {
    try {
        $rules = @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/MSCluster -ClassName MSCluster_AffinityRule })
    }
    catch { return }
    foreach ($rule in $rules) {
        if ([int](Read-Property $rule 'Enabled') -eq 0) { continue }
        $type = $script:RuleTypes[[int](Read-Property $rule 'RuleType')]
        if ($null -eq $type) { $type = 'Unknown' }
        [pscustomobject][ordered]@{
            name   = [string]$rule.Name
            type   = $type
            groups = @(Read-Property $rule 'Groups' | Where-Object { $_ } | ForEach-Object { [string]$_ })
        }
    }
}

function Get-WatariCluster {
    <#
    .SYNOPSIS
    Tells the cluster's settings that matter to live migration, and its witness.
    .EXAMPLE
    Get-WatariCluster
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    $cluster = Invoke-Recorded { FailoverClusters\Get-Cluster }
    $quorum = Invoke-Recorded { FailoverClusters\Get-ClusterQuorum }
    $resource = Read-Property $quorum 'QuorumResource'
    $kind = 'None'
    if ($null -ne $resource) {
        $kind = $script:WitnessKinds[(Get-NameOf (Read-Property $resource 'ResourceType'))]
        if ($null -eq $kind) { $kind = 'Disk' }
    }
    # Not every version has it; one at a time is what those do.
    $parallel = Read-Property $cluster 'MaximumParallelMigrations'
    if ($null -eq $parallel) { $parallel = 1 }
    $parallel = [int]$parallel
    [pscustomobject][ordered]@{
        name                      = [string]$cluster.Name
        id                        = [string]$cluster.Id
        maximumParallelMigrations = $parallel
        enforcedAntiAffinity      = [int]$cluster.ClusterEnforcedAntiAffinity -ne 0
        autoBalancerMode          = [int]$cluster.AutoBalancerMode
        autoBalancerLevel         = [int]$cluster.AutoBalancerLevel
        affinityRules             = @(Read-AffinityRule)
        witness                   = [pscustomobject][ordered]@{
            kind   = [string]$kind
            online = $null -ne $resource -and [string](Read-Property $resource 'State') -eq 'Online'
        }
    }
}

function Set-WatariCluster {
    <#
    .SYNOPSIS
    Sets how many live migrations each node takes part in at once, and when the cluster moves VMs of its own accord.
    .PARAMETER MaximumParallelMigrations
    The cluster's limit; it wins over each host's own.
    .PARAMETER AutoBalancerMode
    0 never, 1 when a node joins, 2 every half hour too.
    .EXAMPLE
    Set-WatariCluster -MaximumParallelMigrations 2
    #>
    [CmdletBinding()]
    param([ValidateRange(1, 1000)][int]$MaximumParallelMigrations, [ValidateRange(0, 2)][int]$AutoBalancerMode)
    $given = $PSBoundParameters
    Invoke-InTurn -Of Set-WatariCluster -Work {
        $before = Get-WatariCluster
        $parallel = $given.ContainsKey('MaximumParallelMigrations') -and $before.maximumParallelMigrations -ne $MaximumParallelMigrations
        $balancer = $given.ContainsKey('AutoBalancerMode') -and $before.autoBalancerMode -ne $AutoBalancerMode
        if ($parallel) {
            if ($null -eq (Read-Property (Invoke-Recorded { FailoverClusters\Get-Cluster }) 'MaximumParallelMigrations')) {
                throw (New-ModuleError -Id 'WindowsTooOld' -Category NotImplemented -Target $before.name -Message (
                        "The Windows of the cluster '$($before.name)' has no MaximumParallelMigrations."))
            }
            Invoke-Recorded { (FailoverClusters\Get-Cluster).MaximumParallelMigrations = $MaximumParallelMigrations }
        }
        if ($balancer) { Invoke-Recorded { (FailoverClusters\Get-Cluster).AutoBalancerMode = $AutoBalancerMode } }
        [pscustomobject][ordered]@{ changed = $parallel -or $balancer; cluster = Get-WatariCluster }
    }
}

function Get-WatariNode {
    <#
    .SYNOPSIS
    Lists the nodes of the cluster with their states.
    .EXAMPLE
    Get-WatariNode
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    Invoke-Recorded { FailoverClusters\Get-ClusterNode } | ForEach-Object {
        $state = [string]$_.State
        if ('Up', 'Down', 'Paused', 'Joining' -notcontains $state) { $state = 'Unknown' }
        [pscustomobject][ordered]@{
            name        = [string]$_.Name
            state       = $state
            quarantined = ([long](Read-Property $_ 'StatusInformation') -band 2) -ne 0
            status      = [long](Read-Property $_ 'StatusInformation') -band 63
            nodeWeight  = [int]$_.NodeWeight
        }
    }
}

function Get-WatariNetwork {
    <#
    .SYNOPSIS
    Lists the networks of the cluster and whether live migration may use them.
    .EXAMPLE
    Get-WatariNetwork
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    # Listed and searched: naming a parameter that was never set fails.
    $excluded = @(Invoke-Recorded {
            FailoverClusters\Get-ClusterResourceType -Name 'Virtual Machine' | FailoverClusters\Get-ClusterParameter
        } | Where-Object { [string]$_.Name -eq 'MigrationExcludeNetworks' } | ForEach-Object { ([string]$_.Value).Split(';') } | ForEach-Object { $_.Trim() })
    Invoke-Recorded { FailoverClusters\Get-ClusterNetwork } | ForEach-Object {
        $state = [string]$_.State
        if ('Up', 'Down', 'Partitioned' -notcontains $state) { $state = 'Unavailable' }
        [pscustomobject][ordered]@{
            name                  = [string]$_.Name
            role                  = [string]$_.Role
            state                 = $state
            excludedFromMigration = $excluded -contains [string]$_.Id
        }
    }
}

function Get-WatariSharedVolume {
    <#
    .SYNOPSIS
    Lists the cluster shared volumes with their paths and states.
    .EXAMPLE
    Get-WatariSharedVolume
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    # A row for each node and volume, true for that node alone. One that is down may fail the call: then nothing is
    # known.
    $rows = @()
    try { $rows = @(Invoke-Recorded { FailoverClusters\Get-ClusterSharedVolumeState }) } catch { $rows = @() }
    Invoke-Recorded { FailoverClusters\Get-ClusterSharedVolume } | ForEach-Object {
        $name = [string]$_.Name
        $state = [string]$_.State
        if ('Online', 'Failed' -notcontains $state) { $state = 'Offline' }
        $own = @(foreach ($row in $rows) { if ([string]$row.Name -eq $name) { $row } })
        $paused = @(foreach ($row in $own) {
                if ($script:PausedVolume -contains [string](Read-Property $row 'StateInfo')) { [string]$row.Node }
            })
        if ($state -eq 'Online' -and $own.Count -gt 0 -and $paused.Count -eq $own.Count) { $state = 'Paused' }
        [pscustomobject][ordered]@{
            name     = $name
            path     = [string]@($_.SharedVolumeInfo)[0].FriendlyVolumeName
            state    = $state
            owner    = Get-NameOf $_.OwnerNode
            pausedOn = $paused
        }
    }
}

# A node of the cluster by its exact name; case does not count.
function Find-Node {
    param([string]$Name)
    Assert-Cluster
    $node = @(Invoke-Recorded { FailoverClusters\Get-ClusterNode } | Where-Object { [string]$_.Name -eq $Name })[0]
    if ($null -eq $node) {
        throw (New-ModuleError -Id 'BadRequest' -HResult '0x800713B2' -Category ObjectNotFound -Target $Name -Message (
                "The cluster has no node '$Name'."))
    }
    $node
}

function Assert-NodeUp {
    param($Node)
    if ([string]$Node.State -ne 'Down') { return }
    # ERROR_CLUSTER_NODE_DOWN: classified like the cluster's own refusal.
    throw (New-ModuleError -Id 'NodeDown' -HResult '0x800713BA' -Target $Node.Name -Message "$($Node.Name) is down.")
}

function Suspend-WatariNode {
    <#
    .SYNOPSIS
    Pauses a node of the cluster without draining it: its roles stay, none may come.
    .PARAMETER Node
    Name of the node.
    .EXAMPLE
    Suspend-WatariNode -Node HV1
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Node)
    Invoke-InTurn -Of Suspend-WatariNode -Work {
        $found = Find-Node $Node
        Assert-NodeUp $found
        if ([string]$found.State -eq 'Paused') { return [pscustomobject]@{ changed = $false } }
        [void](Invoke-Recorded { $found | FailoverClusters\Suspend-ClusterNode -Confirm:$false })
        [pscustomobject]@{ changed = $true }
    }
}

function Resume-WatariNode {
    <#
    .SYNOPSIS
    Resumes a paused node of the cluster; roles that have left do not come back by themselves.
    .PARAMETER Node
    Name of the node.
    .EXAMPLE
    Resume-WatariNode -Node HV1
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][string]$Node)
    Invoke-InTurn -Of Resume-WatariNode -Work {
        $found = Find-Node $Node
        Assert-NodeUp $found
        if ([string]$found.State -ne 'Paused') { return [pscustomobject]@{ changed = $false } }
        [void](Invoke-Recorded { $found | FailoverClusters\Resume-ClusterNode -Failback NoFailback })
        [pscustomobject]@{ changed = $true }
    }
}
