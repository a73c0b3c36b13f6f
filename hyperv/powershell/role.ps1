# Virtual machines as roles of the cluster, and their live migrations. Dot-sourced by Watari.HyperV.psm1.

# Private properties of a "Virtual Machine" resource.
$script:MoveParameters = @('VmID', 'MigrationState', 'MigrationProgress', 'MigrationFailureReason')

# MigrationState 0 to 5; 4 and 5 stay until the next move starts.
$script:MovePhases = @('none', 'setup', 'data-transfer', 'moving-group', 'cancelled', 'failed')
$script:MovingPhases = @('setup', 'data-transfer', 'moving-group')

# Bit of a group's StatusInformation: waits for a free migration slot.
$script:QueuedForMove = 4

# How long a started move may take to show itself in the cluster.
$script:MoveShowsMs = 5000

function Test-ResourceType {
    param($Resource, [string]$Type)
    (Get-NameOf $Resource.ResourceType) -eq $Type
}

# VM id and latest move of one resource.
function Read-MoveParameter {
    param($Resource)
    $parameters = @{}
    $names = $script:MoveParameters
    try { $list = @(Invoke-Recorded { $Resource | FailoverClusters\Get-ClusterParameter -Name $names }) }
    # A property that this version of Windows lacks fails the call; without names it lists what there is.
    catch { $list = @(Invoke-Recorded { $Resource | FailoverClusters\Get-ClusterParameter }) }
    foreach ($parameter in $list) { $parameters[[string]$parameter.Name] = $parameter.Value }
    $phase = $script:MovePhases[[int]$parameters['MigrationState']]
    if ($null -eq $phase) { $phase = 'none' }
    @{
        vmId  = [string]$parameters['VmID']
        group = Get-NameOf $Resource.OwnerGroup
        move  = [pscustomobject][ordered]@{
            phase         = $phase
            percent       = [int]$parameters['MigrationProgress']
            failureReason = ConvertTo-HResult $parameters['MigrationFailureReason']
            # The cluster does not tell.
            target        = $null
        }
    }
}

# The nodes that may own every one of these resources.
function Read-PossibleOwner {
    param([object[]]$Resource)
    $owners = $null
    foreach ($one in $Resource) {
        $names = @(Invoke-Recorded { $one | FailoverClusters\Get-ClusterOwnerNode } |
                ForEach-Object { $_.OwnerNodes } | ForEach-Object { Get-NameOf $_ })
        if ($null -eq $owners) { $owners = $names } else { $owners = @($owners | Where-Object { $names -contains $_ }) }
    }
    $owners
}

function ConvertTo-GroupState {
    param([string]$State)
    if ('Online', 'Offline', 'Failed', 'PartialOnline', 'Pending' -contains $State) { return $State }
    'Unknown'
}

# Roles as facts, of all VMs or of one. The order matters: the state of the move is read before owner and state of the
# group, or "no move, still on the source" could be a mixture of two moments.
function Read-Role {
    param([string]$VMId)
    $resources = @(Invoke-Recorded { FailoverClusters\Get-ClusterResource })
    $found = @($resources | Where-Object { Test-ResourceType $_ 'Virtual Machine' } | ForEach-Object {
            $read = Read-MoveParameter $_
            $group = $read.group
            $read['resources'] = @($resources | Where-Object {
                    (Get-NameOf $_.OwnerGroup) -eq $group -and
                    ((Test-ResourceType $_ 'Virtual Machine') -or (Test-ResourceType $_ 'Virtual Machine Configuration'))
                })
            $read
        } | Where-Object { -not $VMId -or $_.vmId -eq $VMId })
    if ($found.Count -eq 0) { return }
    $groups = @{}
    Invoke-Recorded { FailoverClusters\Get-ClusterGroup } | ForEach-Object { $groups[[string]$_.Name] = $_ }
    foreach ($one in $found) {
        $one['possible'] = @(Read-PossibleOwner $one.resources)
        $group = $groups[$one.group]
        $one['preferred'] = @(Invoke-Recorded { $group | FailoverClusters\Get-ClusterOwnerNode } |
                ForEach-Object { $_.OwnerNodes } | ForEach-Object { Get-NameOf $_ })
    }
    Invoke-Recorded { FailoverClusters\Get-ClusterGroup } | ForEach-Object { $groups[[string]$_.Name] = $_ }
    foreach ($one in @($found | Sort-Object -Property { $_.group })) {
        $group = $groups[$one.group]
        [pscustomobject][ordered]@{
            vmId                   = ([string]$one.vmId).ToLowerInvariant()
            name                   = [string]$group.Name
            state                  = ConvertTo-GroupState ([string]$group.State)
            owner                  = Get-NameOf $group.OwnerNode
            status                 = [long]$group.StatusInformation
            preferredOwners        = $one.preferred
            possibleOwners         = $one.possible
            antiAffinityClassNames = @($group.AntiAffinityClassNames | Where-Object { $_ } | ForEach-Object { [string]$_ })
            move                   = $one.move
        }
    }
}

function Get-WatariRole {
    <#
    .SYNOPSIS
    Lists the VMs of the cluster with owner, state and latest live migration.
    .EXAMPLE
    Get-WatariRole | Select-Object name, owner, state, @{ n = 'move'; e = { $_.move.phase } }
    #>
    [CmdletBinding()]
    param()
    Assert-Cluster
    Invoke-Consistently { Read-Role }
}

# The role of a VM, or $null.
function Find-Role {
    param([guid]$VMId)
    Assert-Cluster
    Invoke-Consistently { Read-Role -VMId ([string]$VMId) }
}

function Get-RequiredRole {
    param([guid]$VMId)
    $role = Find-Role $VMId
    if ($null -ne $role) { return $role }
    throw (New-ModuleError -Id 'RoleMissing' -HResult '0x80071395' -Category ObjectNotFound -Target $VMId -Message (
            "The cluster has no role for a VM with the id $VMId."))
}

function Test-Moving {
    param($Role)
    ($script:MovingPhases -contains $Role.move.phase) -or (($Role.status -band $script:QueuedForMove) -ne 0)
}

function Assert-NotMoving {
    param($Role)
    if (-not (Test-Moving $Role)) { return }
    throw (New-ModuleError -Id 'VmMoving' -HResult '0x800700AA' -Category ResourceBusy -Target $Role.name -Message (
            "'$($Role.name)' is being moved."))
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
        $role = Find-Role $VMId
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
        [pscustomobject][ordered]@{ changed = $true; role = Get-RequiredRole $VMId }
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

# The cluster's group of a role, as an object for the pipeline: -Name would take its name for a pattern.
function Get-GroupOf {
    param($Role)
    @(Invoke-Recorded { FailoverClusters\Get-ClusterGroup } | Where-Object { [string]$_.Name -eq $Role.name })[0]
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
        $group = Get-GroupOf $role
        [void](Invoke-Recorded { $group | FailoverClusters\Start-ClusterGroup -Wait 0 })
        [pscustomobject]@{ changed = $true }
    }
}

# A role may be told to turn its VM off or shut it down when it goes offline. 1 saves it, which is the default.
function Set-SaveOnOffline {
    param($Role)
    $resource = @(Invoke-Recorded { FailoverClusters\Get-ClusterResource } | Where-Object {
            (Get-NameOf $_.OwnerGroup) -eq $Role.name -and (Test-ResourceType $_ 'Virtual Machine')
        })[0]
    $action = @(Invoke-Recorded { $resource | FailoverClusters\Get-ClusterParameter } |
            Where-Object { [string]$_.Name -eq 'OfflineAction' })[0]
    if ($null -eq $action -or [long]$action.Value -eq 1) { return }
    Invoke-Recorded { $resource | FailoverClusters\Set-ClusterParameter -Name OfflineAction -Value 1 }
}

function Stop-WatariRole {
    <#
    .SYNOPSIS
    Takes the role of a VM offline; the VM is saved, never turned off. Returns once asked.
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
        Set-SaveOnOffline $role
        $group = Get-GroupOf $role
        [void](Invoke-Recorded { $group | FailoverClusters\Stop-ClusterGroup -Wait 0 })
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
    Starts the live migration of a VM of the cluster to a node and returns; Get-WatariRole shows how it goes.
    .DESCRIPTION
    Does nothing when the VM is there already or a move of it is under way, whoever started it.
    .PARAMETER VMId
    Id of the VM.
    .PARAMETER Node
    Name of the target node.
    .EXAMPLE
    Start-WatariMove -VMId (Get-VM web-1).Id -Node HV2
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId, [Parameter(Mandatory = $true)][string]$Node)
    Invoke-InTurn -Of Start-WatariMove -Work {
        $role = Get-RequiredRole $VMId
        $target = [string](Find-Node $Node).Name
        if (Test-Moving $role) { return [pscustomobject][ordered]@{ changed = $false; why = 'already-moving' } }
        if ($role.owner -eq $target) { return [pscustomobject][ordered]@{ changed = $false; why = 'already-there' } }
        if ($role.state -ne 'Online') {
            throw (New-ModuleError -Id 'VmNotRunning' -HResult '0x80071396' -Target $role.name -Message (
                    "'$($role.name)' is $($role.state), so it cannot be migrated live."))
        }
        try {
            [void](Invoke-Recorded {
                    FailoverClusters\Move-ClusterVirtualMachineRole -VMId $VMId -Node $target -MigrationType Live -Wait 0
                })
        }
        catch {
            # Somebody on another node was faster: theirs is the move.
            $now = Find-Role $VMId
            if ($null -ne $now -and (Test-Moving $now)) {
                return [pscustomobject][ordered]@{ changed = $false; why = 'already-moving' }
            }
            throw
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
            # It ended before the cluster heard of it.
            $now = Find-Role $VMId
            if ($null -ne $now -and -not (Test-Moving $now)) { return [pscustomobject]@{ changed = $false } }
            throw
        }
        [pscustomobject]@{ changed = $true }
    }
}
