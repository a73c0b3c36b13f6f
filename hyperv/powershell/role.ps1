# Virtual machines as roles of the cluster, and their live migrations. Dot-sourced by Watari.HyperV.psm1.
#
# A VM is known by its id: roles are named by anybody, resources in the language of Windows. How a move goes is read
# where Failover Cluster Manager reads it, in the common properties of the "Virtual Machine" resource. What a version of
# Windows lacks is unknown, which is never "no move": the group is Pending while it moves.

# Private property MigrationState, 0 to 5, on the versions that have it; 4 and 5 stay until the next move starts.
$script:MigrationStates = @('none', 'setup', 'data-transfer', 'moving-group', 'cancelled', 'failed')
$script:MovingPhases = @('setup', 'data-transfer', 'moving-group', 'migrating')

# Upper half of ResourceSpecificData1 while a VM migrates; the lowest byte is the percentage.
$script:Migrating = 32774

# LastOperationStatusCode of a move that somebody cancelled.
$script:Cancelled = '0x80048001'

# Bit of a group's StatusInformation: waits for a free migration slot.
$script:QueuedForMove = 4

# CLUSTER_GROUP_STATE.
$script:GroupStates = @('Online', 'Offline', 'Failed', 'PartialOnline', 'Pending')

# How long a started move may take to show itself in the cluster.
$script:MoveShowsMs = 5000

# How long a role whose OfflineAction was changed is waited for, to change it back.
$script:OfflineWithinMs = 120000

# What does not change while a shell lives: which resource is which VM.
$script:VmIdOf = @{}

function Get-GroupState {
    param([long]$Number)
    if ($Number -ge 0 -and $Number -lt $script:GroupStates.Count) { return $script:GroupStates[$Number] }
    'Unknown'
}

function Test-ResourceType {
    param($Resource, [string]$Type)
    (Get-NameOf $Resource.ResourceType) -eq $Type
}

# Running migrations that leave this node, by the VM's id. Finished jobs stay for minutes, so their states count; the
# texts beside them are localised.
function Read-MigrationJob {
    $jobs = @{}
    $rows = Invoke-Recorded {
        CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -Query 'SELECT VirtualSystemName, DestinationHost, PercentComplete, JobState, JobType FROM Msvm_MigrationJob'
    }
    foreach ($row in @($rows)) {
        $vmId = [guid]::Empty
        # 305 moves a VM, 306 its storage too; 300 to 304 only check. 3 starts, 4 runs.
        if (305, 306 -notcontains [int]$row.JobType -or 3, 4 -notcontains [int]$row.JobState) { continue }
        if (-not [guid]::TryParse([string]$row.VirtualSystemName, [ref]$vmId)) { continue }
        $target = [string]$row.DestinationHost
        # An address names no node: digits and dots, or anything with a colon.
        if ($target -eq '' -or $target -match '\A[\d.]+\z|:') { $target = $null }
        else { $target = $target.Split('.')[0] }
        $jobs[[string]$vmId] = [pscustomobject][ordered]@{
            vmId    = [string]$vmId
            target  = $target
            percent = [int]$row.PercentComplete
        }
    }
    $jobs
}

function Get-WatariMoveAway {
    <#
    .SYNOPSIS
    Lists the live migrations that leave this node now, with their targets.
    .EXAMPLE
    Get-WatariMoveAway
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    (Read-MigrationJob).Values | Sort-Object -Property { $_.vmId }
}

# For a look at the cluster they are a second witness: a node without Hyper-V has none, and no move leaves it.
function Read-MigrationJobIfAny {
    try { Read-MigrationJob } catch { @{} }
}

# The latest move of one resource: from its common properties, its private ones ($null: not read), and a running job.
function Get-MoveOf {
    param($Resource, $Private, $Job)
    $data = Read-Property $Resource 'ResourceSpecificData1'
    $code = Read-Property $Resource 'LastOperationStatusCode'
    if ($null -eq $code) { $code = Read-Property $Private 'MigrationFailureReason' }
    # A UInt64, perhaps with the sign of its lower half in the upper one.
    $reason = '0x00000000'
    if ($null -ne $code) { $reason = '0x' + ('{0:X16}' -f $code).Substring(8) }
    $percent = 0
    $migrating = $null -ne $Job
    if ($migrating) { $percent = $Job.percent }
    if ($null -ne $data -and ([uint64]$data -shr 32) -eq $script:Migrating) {
        $migrating = $true
        $percent = [int]([uint64]$data -band [uint64]255)
    }
    $phase = $null
    $state = Read-Property $Private 'MigrationState'
    if ($null -ne $state) {
        $phase = $script:MigrationStates[[int]$state]
        if (-not $migrating) { $percent = [int](Read-Property $Private 'MigrationProgress') }
    }
    if ($migrating -and $script:MovingPhases -notcontains $phase) { $phase = 'migrating' }
    if ($null -eq $phase) {
        if ($reason -eq $script:Cancelled) { $phase = 'cancelled' }
        # The severity bit of an HRESULT.
        elseif ($reason -match '\A0x[89A-F]') { $phase = 'failed' }
        elseif ($null -eq $data) { $phase = 'unknown' }
        else { $phase = 'none' }
    }
    if ('cancelled', 'failed' -notcontains $phase) { $reason = '0x00000000' }
    $target = $null
    if ($null -ne $Job) { $target = $Job.target }
    [pscustomobject][ordered]@{ phase = $phase; percent = $percent; failureReason = $reason; target = $target }
}

function New-Role {
    param([string]$VMId, $Group, [string]$State, $Move, [string[]]$Preferred, [string[]]$Possible)
    if ($script:GroupStates -notcontains $State) { $State = 'Unknown' }
    [pscustomobject][ordered]@{
        vmId                   = $VMId.ToLowerInvariant()
        name                   = [string]$Group.Name
        state                  = $State
        owner                  = Get-NameOf $Group.OwnerNode
        status                 = [long]$Group.StatusInformation
        preferredOwners        = @($Preferred | Where-Object { $_ })
        possibleOwners         = @($Possible | Where-Object { $_ })
        antiAffinityClassNames = @($Group.AntiAffinityClassNames | Where-Object { $_ } | ForEach-Object { [string]$_ })
        priority               = [int]$Group.Priority
        move                   = $Move
    }
}

# Nodes by the id and the name of what an association ties them to; a reference holds the keys only.
function Read-Association {
    param([string]$Class)
    $table = @{}
    # No pipeline: there are thousands of rows.
    foreach ($row in @(Invoke-Recorded { CimCmdlets\Get-CimInstance -Namespace root/MSCluster -ClassName $Class })) {
        $node = Get-NameOf $row.PartComponent
        foreach ($name in 'Id', 'Name') {
            $key = [string](Read-Property $row.GroupComponent $name)
            if ($key -eq '') { continue }
            if (-not $table.ContainsKey($key)) { $table[$key] = [System.Collections.ArrayList]::new() }
            [void]$table[$key].Add($node)
        }
    }
    $table
}

function Find-Associated {
    param([hashtable]$Table, $Of)
    foreach ($key in [string]$Of.Id, [string]$Of.Name) {
        if ($Table.ContainsKey($key)) { return $Table[$key] }
    }
}

# Names that are in both lists.
function Join-Name {
    param([object[]]$One, [object[]]$Other)
    foreach ($name in $One) { if ($Other -contains $name) { $name } }
}

# Which VM a resource is: where the query does not tell, each is asked once, all through one pipeline.
function Get-VmIdOf {
    param($Resource)
    $vmId = Read-Property (Read-Property $Resource 'PrivateProperties') 'VmID'
    if ($vmId) { return [string]$vmId }
    if (-not $script:VmIdOf.ContainsKey([string]$Resource.Id)) {
        Invoke-Recorded {
            FailoverClusters\Get-ClusterResource |
                Where-Object { (Test-ResourceType $_ 'Virtual Machine') -and -not $script:VmIdOf.ContainsKey([string]$_.Id) } |
                FailoverClusters\Get-ClusterParameter -Name VmID
        } | ForEach-Object { $script:VmIdOf[[string]$_.ClusterObject.Id] = [string]$_.Value }
    }
    [string]$script:VmIdOf[[string]$Resource.Id]
}

# All roles as facts, by a few queries whose answers are joined here. The order matters: the state of the move is read
# before owner and state of the group, or "no move, still on the source" could be a mixture of two moments.
function Read-Role {
    param([switch]$Owner)
    $preferred = Read-Association 'MSCluster_ResourceGroupToPreferredNode'
    $possible = @{}
    $parts = @{}
    if ($Owner) {
        $possible = Read-Association 'MSCluster_ResourceToPossibleOwner'
        Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query "SELECT Id, Name, OwnerGroup FROM MSCluster_Resource WHERE Type='Virtual Machine Configuration'"
        } | ForEach-Object { $parts[[string]$_.OwnerGroup] = $_ }
    }
    $jobs = Read-MigrationJobIfAny
    $resources = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query "SELECT Id, Name, OwnerGroup, ResourceSpecificData1, LastOperationStatusCode, PrivateProperties FROM MSCluster_Resource WHERE Type='Virtual Machine'"
        })
    $found = @($resources | ForEach-Object {
            $vmId = Get-VmIdOf $_
            @{
                vmId     = $vmId
                group    = [string]$_.OwnerGroup
                resource = $_
                move     = Get-MoveOf $_ (Read-Property $_ 'PrivateProperties') $jobs[$vmId.ToLowerInvariant()]
            }
        })
    $groups = @{}
    Invoke-Recorded {
        CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query 'SELECT Id, Name, State, OwnerNode, StatusInformation, AntiAffinityClassNames, Priority FROM MSCluster_ResourceGroup'
    } | ForEach-Object { $groups[[string]$_.Name] = $_ }
    foreach ($one in @($found | Sort-Object -Property { $_.group })) {
        $group = $groups[$one.group]
        # It left between two queries: Invoke-Consistently reads again.
        if ($null -eq $group) { throw "The group '$($one.group)' is gone." }
        $owners = @()
        if ($Owner) {
            $owners = @(Find-Associated $possible $one.resource)
            $part = $parts[$one.group]
            if ($null -ne $part) { $owners = @(Join-Name $owners @(Find-Associated $possible $part)) }
        }
        $role = @{
            VMId      = $one.vmId
            Group     = $group
            State     = Get-GroupState $group.State
            Move      = $one.move
            Preferred = @(Find-Associated $preferred $group)
            Possible  = $owners
        }
        New-Role @role
    }
}

# The nodes that may own all of these, or that an object prefers, in its order.
function Read-OwnerNode {
    param($Thing)
    @(Invoke-Recorded { $Thing | FailoverClusters\Get-ClusterOwnerNode } |
            ForEach-Object { $_.OwnerNodes } | ForEach-Object { Get-NameOf $_ })
}

# Private properties of a resource as one object; $null where the common ones tell the move, at the cost of no call.
function Read-PrivateProperty {
    param($Resource)
    $tells = @('ResourceSpecificData1', 'LastOperationStatusCode' | Where-Object { $null -ne (Read-Property $Resource $_) })
    if ($tells.Count -eq 2) { return $null }
    $table = [ordered]@{}
    Invoke-Recorded { $Resource | FailoverClusters\Get-ClusterParameter } | ForEach-Object { $table[[string]$_.Name] = $_.Value }
    [pscustomobject]$table
}

# Resources of one VM; none when it has no role, or no resource of the cluster is that VM.
function Read-ResourceOfVM {
    param([guid]$VMId)
    try { Invoke-Recorded { FailoverClusters\Get-ClusterResource -VMId $VMId } }
    catch {
        # Asked each second: what stands in the way is looked for when something does.
        Assert-Cluster
        # ERROR_RESOURCE_NOT_FOUND, ERROR_GROUP_NOT_FOUND.
        if ((Test-ErrorCode $_ '0x8007138F') -or (Test-ErrorCode $_ '0x80071395')) { return }
        # It is not documented how it says that there is none; a list of all tells whether that is what it said.
        $same = @(Invoke-Recorded {
                CimCmdlets\Get-CimInstance -Namespace root/MSCluster -Query "SELECT Id, PrivateProperties FROM MSCluster_Resource WHERE Type='Virtual Machine'"
            } | Where-Object { (Get-VmIdOf $_) -eq [string]$VMId })
        if ($same.Count -gt 0) { throw }
    }
}

# The role of one VM, found by its id in three calls, however large the cluster; nothing when it has none.
function Read-OneRole {
    param([guid]$VMId, [switch]$Owner)
    $jobs = Read-MigrationJobIfAny
    $resources = @(Read-ResourceOfVM $VMId)
    $resource = @($resources | Where-Object { Test-ResourceType $_ 'Virtual Machine' })[0]
    if ($null -eq $resource) { return }
    $move = Get-MoveOf $resource (Read-PrivateProperty $resource) $jobs[[string]$VMId]
    $group = @(Invoke-Recorded { FailoverClusters\Get-ClusterGroup -VMId $VMId })[0]
    $role = @{ VMId = [string]$VMId; Group = $group; State = [string]$group.State; Move = $move; Possible = @(); Preferred = @() }
    if ($Owner) {
        $role['Possible'] = @(Read-OwnerNode $resource)
        $part = @($resources | Where-Object { Test-ResourceType $_ 'Virtual Machine Configuration' })[0]
        if ($null -ne $part) { $role['Possible'] = @(Join-Name $role['Possible'] @(Read-OwnerNode $part)) }
        $role['Preferred'] = @(Read-OwnerNode $group)
    }
    New-Role @role
}

function Get-WatariRole {
    <#
    .SYNOPSIS
    Lists the VMs of the cluster with owner, state and latest live migration.
    .PARAMETER Owners
    Tells the possible owners too, which takes a row for each VM and node.
    .EXAMPLE
    Get-WatariRole | Select-Object name, owner, state, @{ n = 'move'; e = { $_.move.phase } }
    #>
    [CmdletBinding()]
    param([bool]$Owners)
    Assert-Cluster
    Invoke-Consistently { Read-Role -Owner:$Owners }
}

function Get-WatariVMRole {
    <#
    .SYNOPSIS
    Tells the role of one VM with owner, state and latest live migration; $null when the cluster has none.
    .PARAMETER VMId
    Id of the VM.
    .PARAMETER Owners
    Tells preferred and possible owners too.
    .EXAMPLE
    Get-WatariVMRole -VMId (Get-VM web-1).Id
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId, [bool]$Owners)
    $role = Find-Role $VMId -Owner:$Owners
    # One value, also where there is none.
    if ($null -eq $role) { return $null }
    $role
}

# The role of a VM, or $null.
function Find-Role {
    param([guid]$VMId, [switch]$Owner)
    Invoke-Consistently { Read-OneRole $VMId -Owner:$Owner }
}

function Get-RequiredRole {
    param([guid]$VMId, [switch]$Owner)
    $role = Find-Role $VMId -Owner:$Owner
    if ($null -ne $role) { return $role }
    throw (New-ModuleError -Id 'RoleMissing' -HResult '0x80071395' -Category ObjectNotFound -Target $VMId -Message (
            "The cluster has no role for a VM with the id $VMId."))
}

function Test-Moving {
    param($Role)
    ($script:MovingPhases -contains $Role.move.phase) -or
    (($Role.status -band $script:QueuedForMove) -ne 0) -or
    ($Role.move.phase -eq 'unknown' -and $Role.state -eq 'Pending')
}

function Assert-NotMoving {
    param($Role)
    if (-not (Test-Moving $Role)) { return }
    throw (New-ModuleError -Id 'VmMoving' -HResult '0x800700AA' -Category ResourceBusy -Target $Role.name -Message (
            "'$($Role.name)' is being moved."))
}

# Does the chain of an error hold this code?
function Test-ErrorCode {
    param([System.Management.Automation.ErrorRecord]$Record, [string]$Code)
    @((ConvertTo-ErrorReply $Record).chain | ForEach-Object { $_.hresult }) -contains $Code
}

function Add-WatariRole {
    <#
    .SYNOPSIS
    Registers a VM of this node as a role of the cluster, if it is none yet.
    .PARAMETER VMId
    Id of the VM.
    .PARAMETER Name
    Name of the role.
    .EXAMPLE
    Add-WatariRole -VMId (Get-VM web-1).Id -Name web-1
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][guid]$VMId,
        [Parameter(Mandatory = $true)][ValidatePattern('\A[^\x00-\x1F\x7F]{1,260}\z')][string]$Name
    )
    Assert-HyperV
    Invoke-InTurn -Of Add-WatariRole -Work {
        $role = Find-Role $VMId -Owner
        if ($null -ne $role) { return [pscustomobject][ordered]@{ changed = $false; role = $role } }
        if ($null -eq (Find-VM $VMId)) {
            throw (New-ModuleError -Id 'VmNotFound' -Category ObjectNotFound -Target $VMId -Message (
                    "$([Environment]::MachineName) holds no VM with the id $VMId."))
        }
        $taken = @(Invoke-Recorded { FailoverClusters\Get-ClusterGroup } | Where-Object { [string]$_.Name -eq $Name })
        if ($taken.Count -gt 0) {
            # ERROR_OBJECT_ALREADY_EXISTS
            throw (New-ModuleError -Id 'RoleExists' -HResult '0x80071392' -Category ResourceExists -Target $Name -Message (
                    "The cluster already has a role called '$Name'."))
        }
        [void](Invoke-Recorded { FailoverClusters\Add-ClusterVirtualMachineRole -VMId $VMId -Name $Name })
        [pscustomobject][ordered]@{ changed = $true; role = Get-RequiredRole $VMId -Owner }
    }
}

function Remove-WatariRole {
    <#
    .SYNOPSIS
    Takes a VM out of the cluster and leaves the VM as it is.
    .PARAMETER VMId
    Id of the VM.
    .EXAMPLE
    Remove-WatariRole -VMId 2b0c2e5d-5d7c-4b61-9c0a-3d6f0d8f7a11
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId)
    Invoke-InTurn -Of Remove-WatariRole -Work {
        $role = Find-Role $VMId
        if ($null -eq $role) { return [pscustomobject]@{ changed = $false } }
        Assert-NotMoving $role
        Invoke-Recorded { FailoverClusters\Remove-ClusterGroup -VMId $VMId -RemoveResources -Force }
        [pscustomobject]@{ changed = $true }
    }
}

function Start-WatariRole {
    <#
    .SYNOPSIS
    Brings the role of a VM online, which starts the VM. Returns once asked.
    .PARAMETER VMId
    Id of the VM.
    .EXAMPLE
    Start-WatariRole -VMId (Get-VM web-1).Id
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId)
    Invoke-InTurn -Of Start-WatariRole -Work {
        $role = Get-RequiredRole $VMId
        if ('Online', 'Pending' -contains $role.state) { return [pscustomobject]@{ changed = $false } }
        $group = Invoke-Recorded { FailoverClusters\Get-ClusterGroup -VMId $VMId }
        [void](Invoke-Recorded { $group | FailoverClusters\Start-ClusterGroup -Wait 0 })
        [pscustomobject]@{ changed = $true }
    }
}

# A role may be told to turn its VM off or shut it down when it goes offline. 1 saves it, which is the default. Answers
# what was there before, $null where nothing had to be changed.
function Set-OfflineAction {
    param($Resource, [long]$Value)
    $action = @(Invoke-Recorded { $Resource | FailoverClusters\Get-ClusterParameter } |
            Where-Object { [string]$_.Name -eq 'OfflineAction' })[0]
    if ($null -eq $action -or [long]$action.Value -eq $Value) { return $null }
    Invoke-Recorded { $Resource | FailoverClusters\Set-ClusterParameter -Name OfflineAction -Value $Value }
    [long]$action.Value
}

# The cluster reads OfflineAction while it takes the role offline, so that has to be over before it is changed back.
function Restore-OfflineAction {
    param([guid]$VMId, $Resource, [long]$Before)
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    while ($clock.ElapsedMilliseconds -lt $script:OfflineWithinMs) {
        $role = Find-Role $VMId
        if ($null -eq $role -or 'Offline', 'Failed' -contains $role.state) { break }
        Microsoft.PowerShell.Utility\Start-Sleep -Milliseconds 500
    }
    [void](Set-OfflineAction $Resource $Before)
}

function Stop-WatariRole {
    <#
    .SYNOPSIS
    Takes the role of a VM offline; the VM is saved, never turned off. Returns once asked, or once it is offline where
    its OfflineAction had to be changed for that, which is changed back then.
    .PARAMETER VMId
    Id of the VM.
    .EXAMPLE
    Stop-WatariRole -VMId (Get-VM web-1).Id
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId)
    Invoke-InTurn -Of Stop-WatariRole -Work {
        $role = Get-RequiredRole $VMId
        Assert-NotMoving $role
        if ($role.state -eq 'Offline') { return [pscustomobject]@{ changed = $false } }
        $resource = @(Invoke-Recorded { FailoverClusters\Get-ClusterResource -VMId $VMId } |
                Where-Object { Test-ResourceType $_ 'Virtual Machine' })[0]
        $before = Set-OfflineAction $resource 1
        try {
            $group = Invoke-Recorded { FailoverClusters\Get-ClusterGroup -VMId $VMId }
            [void](Invoke-Recorded { $group | FailoverClusters\Stop-ClusterGroup -Wait 0 })
        }
        finally { if ($null -ne $before) { Restore-OfflineAction $VMId $resource $before } }
        [pscustomobject]@{ changed = $true }
    }
}

# The cluster answers -Wait 0 before the move shows; a second caller must not take that for "no move".
function Wait-MoveShown {
    param([guid]$VMId, [string]$From)
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    while ($clock.ElapsedMilliseconds -lt $script:MoveShowsMs) {
        $role = Find-Role $VMId
        if ($null -eq $role -or $role.owner -ne $From -or (Test-Moving $role) -or $role.state -eq 'Pending') { return }
        if ($role.move.phase -eq 'failed' -or $role.move.phase -eq 'cancelled') {
            # An old one sticks until the new move begins; a new one looks the same. Half the time decides.
            if ($clock.ElapsedMilliseconds -gt $script:MoveShowsMs / 2) { return }
        }
        Microsoft.PowerShell.Utility\Start-Sleep -Milliseconds 200
    }
}

function Start-WatariMove {
    <#
    .SYNOPSIS
    Starts the live migration of a VM of the cluster to a node and returns; Get-WatariVMRole shows how it goes.
    .DESCRIPTION
    Does nothing when the VM is there already or a move of it is under way, whoever started it. A quick migration saves the
    VM and restores it on the other node: its clients lose it for that time.
    .PARAMETER VMId
    Id of the VM.
    .PARAMETER Node
    Name of the target node.
    .PARAMETER How
    live, or quick where a live migration cannot be.
    .EXAMPLE
    Start-WatariMove -VMId (Get-VM web-1).Id -Node HV2
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)][guid]$VMId,
        [Parameter(Mandatory = $true)][string]$Node,
        [ValidateSet('live', 'quick')][string]$How = 'live'
    )
    $type = $(if ($How -eq 'quick') { 'Quick' } else { 'Live' })
    Invoke-InTurn -Of Start-WatariMove -Work {
        $role = Get-RequiredRole $VMId
        $target = [string](Find-Node $Node).Name
        if (Test-Moving $role) { return [pscustomobject][ordered]@{ changed = $false; why = 'already-moving' } }
        if ($role.owner -eq $target) { return [pscustomobject][ordered]@{ changed = $false; why = 'already-there' } }
        # It starts, stops or is handed over, and nothing says that a move is under way: soon it is something else.
        if ($role.state -eq 'Pending') {
            throw (New-ModuleError -Id 'RoleBusy' -HResult '0x800700AA' -Category ResourceBusy -Target $role.name -Message (
                    "'$($role.name)' is Pending: it starts, stops or is handed over."))
        }
        if ($role.state -ne 'Online') {
            throw (New-ModuleError -Id 'VmNotRunning' -HResult '0x80071396' -Target $role.name -Message (
                    "'$($role.name)' is $($role.state), so it cannot be migrated $How."))
        }
        try {
            [void](Invoke-Recorded {
                    FailoverClusters\Move-ClusterVirtualMachineRole -VMId $VMId -Node $target -MigrationType $type -Wait 0
                })
        }
        catch {
            # ERROR_IO_PENDING is no failure: the move is under way.
            if (-not (Test-ErrorCode $_ '0x800703E5')) {
                # Somebody on another node was faster: theirs is the move.
                $now = Find-Role $VMId
                if ($null -ne $now -and (Test-Moving $now)) {
                    return [pscustomobject][ordered]@{ changed = $false; why = 'already-moving' }
                }
                throw
            }
        }
        Wait-MoveShown -VMId $VMId -From $role.owner
        [pscustomobject][ordered]@{ changed = $true; why = 'started' }
    }
}

function Stop-WatariMove {
    <#
    .SYNOPSIS
    Cancels the live migration of a VM if one is under way; the VM goes on running where it is.
    .PARAMETER VMId
    Id of the VM.
    .EXAMPLE
    Stop-WatariMove -VMId (Get-VM web-1).Id
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId)
    Invoke-InTurn -Of Stop-WatariMove -Work {
        $role = Get-RequiredRole $VMId
        if (-not (Test-Moving $role)) { return [pscustomobject]@{ changed = $false } }
        try { [void](Invoke-Recorded { FailoverClusters\Move-ClusterVirtualMachineRole -VMId $VMId -Cancel }) }
        catch {
            if (-not (Test-ErrorCode $_ '0x800703E5')) {
                # ERROR_INVALID_STATE, or whatever else it says: it ended before the cluster heard of it.
                $now = Find-Role $VMId
                if ((Test-ErrorCode $_ '0x8007139F') -or ($null -ne $now -and -not (Test-Moving $now))) {
                    return [pscustomobject]@{ changed = $false }
                }
                throw
            }
        }
        [pscustomobject]@{ changed = $true }
    }
}
